namespace Fdfa.Gpu.Training;

/// <summary>The data of a run in the memory of one device.</summary>
/// <param name="Training">What to train on.</param>
/// <param name="Test">What to measure the result on.</param>
/// <param name="Validation">What to choose by; <see langword="null"/> where nothing is set aside.</param>
public sealed record UploadedData(DeviceDataSet Training, DeviceDataSet Test, DeviceDataSet? Validation = null) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Training.Dispose();
        Test.Dispose();
        Validation?.Dispose();
    }
}
