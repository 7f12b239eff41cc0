namespace Fdfa.Tests.Reference;

/// <summary>Derivatives by central differences: (f(x + h) − f(x − h))/2h, right but for h² and rounding.</summary>
internal static class Differences
{
    /// <summary>The derivative by the distance that the function is told to go.</summary>
    public static double[] Along(Func<double, double[]> function, double distance = 1e-5) =>
        [.. function(distance).Zip(function(-distance), (ahead, behind) => (ahead - behind) / (2 * distance))];

    /// <summary>The derivatives of a function that reads the values, by those values at the indices.</summary>
    public static double[] By(double[] values, IEnumerable<int> indices, Func<double> function) => [.. indices.Select(index =>
    {
        double centre = values[index];
        double derivative = Along(distance =>
        {
            values[index] = centre + distance;
            return [function()];
        })[0];
        values[index] = centre;
        return derivative;
    })];
}
