#!/usr/bin/env python3
"""Times training steps of FDFA and backpropagation in PyTorch, for the networks, batches and presets of 'fdfa bench'.

Prints a table and, with --json, writes a file that 'fdfa bench --compare FILE' reads. The steps themselves are in pytorch_steps.py.
"""

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
import time

RUNS = 21
WARM_UP = 1.0
LEAST_RUN = 0.1
MOST_DATA = 1 << 30
SCHEMA_VERSION = 2

NETWORKS = [("784-800-800-800-10", None), ("15C5-40C5-P2-128-10", "1x28x28"), ("15C5-40C5-P2-128-10", "3x32x32"), ("alexnet-200", "3x224x224")]
VARIANTS = {
    "eager": "operation by operation, with a fused or multi-tensor Adam",
    "compiled": "torch.compile around the forward and the backward pass",
    "graph": "the eager step, captured once as a CUDA graph and replayed",
    "compiled-graph": "the compiled step in a CUDA graph",
}


class Refusal(Exception):
    """A mistake that a person can put right, in a sentence."""


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="Variants: " + "; ".join(f"{name}: {what}" for name, what in VARIANTS.items()) + ".")
    parser.add_argument("--network", help="topology as fdfa takes it, such as 784-800-10 (default: 784-800-800-800-10)")
    parser.add_argument("--input", help="channels x height x width of the images that convolutions read, such as 1x28x28")
    parser.add_argument("--all", action="store_true", help="the networks of fdfa's measurements: " + ", ".join(
        network + (f" on {image}" if image else "") for network, image in NETWORKS))
    parser.add_argument("--rules", default="FDFA,BP", help="FDFA, BP or both, with a comma (default: FDFA,BP)")
    parser.add_argument("--preset", default="paper", choices=["paper", "published-code"], help="whose options, as in fdfa (default: paper)")
    parser.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, default=None,
                        help="normalize every hidden block (default: with published-code)")
    parser.add_argument("--batch-size", type=int, help="samples per step (default: 64, but 128 for alexnet)")
    parser.add_argument("--replicas", type=int, default=1, help="networks trained at once, as fdfa's --seeds (default: 1)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default: auto: cuda where there is one)")
    parser.add_argument("--threads", type=int, help="threads of the CPU (default: PyTorch's)")
    parser.add_argument("--variants", help="of " + ", ".join(VARIANTS) + ", with commas (default: all that can run here)")
    parser.add_argument("--tf32", action="store_true", help="let a GPU round products to TF32; fdfa does not")
    parser.add_argument("--json", metavar="FILE", help="write the times to this file too")
    return parser.parse_args()


def import_torch():
    try:
        import torch
    except ImportError as missing:
        raise Refusal(f"This needs PyTorch, and this Python ({sys.executable}) has none ({missing}); install it as https://pytorch.org says.")
    return torch


def choose_device(torch, name):
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise Refusal(f"The device '{name}' is none of auto, cpu, cuda and cuda:N.")
    if device.type not in ("cpu", "cuda"):
        raise Refusal(f"The device '{name}' is none of auto, cpu, cuda and cuda:N.")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise Refusal("There is no CUDA device that this PyTorch can use; give --device cpu.")
        device = torch.device("cuda", device.index or 0)
        if device.index >= torch.cuda.device_count():
            raise Refusal(f"There is no device {device}; there are {torch.cuda.device_count()} here.")
    return device


def why_not(torch, device, variant):
    """Why a variant cannot run here; None where it can."""
    if "compiled" in variant and not hasattr(torch, "compile"):
        return f"it needs torch.compile of PyTorch 2, and this is {torch.__version__}"
    if "graph" in variant and device.type != "cuda":
        return "CUDA graphs need a CUDA device"
    return None


def choose_variants(torch, device, text):
    if text is None:
        refused = {variant: why_not(torch, device, variant) for variant in VARIANTS}
        for variant, reason in refused.items():
            if reason:
                print(f"Without the variant {variant}: {reason}.", file=sys.stderr)
        return [variant for variant, reason in refused.items() if reason is None]
    chosen = text.split(",")
    for variant in chosen:
        if variant not in VARIANTS:
            raise Refusal(f"The variant '{variant}' is none of {', '.join(VARIANTS)}.")
        if reason := why_not(torch, device, variant):
            raise Refusal(f"The variant {variant} cannot run here: {reason}.")
    return chosen


def read_shape(text):
    if text is None:
        return None
    sizes = text.split("x")
    if len(sizes) != 3 or not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise Refusal(f"The value '{text}' of --input is not channels, height and width, such as 1x28x28.")
    return tuple(int(size) for size in sizes)


def cores():
    """Cores that the process may use, as .NET counts them: those of its affinity, or fewer where a container allows less time."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            count = max(1, min(count, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass
    return count


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def make_optimizer(torch, device, captured):
    """Adam with the paper's constants, as fast as this PyTorch has it on this device."""
    def make(parameters):
        options = dict(lr=1e-4, betas=(0.9, 0.999), eps=1e-8)
        if device.type == "cuda":
            return torch.optim.Adam(parameters, **options, fused=True, capturable=captured)
        try:
            return torch.optim.Adam(parameters, **options, fused=True)
        except (RuntimeError, TypeError):
            return torch.optim.Adam(parameters, **options, foreach=True)
    return make


def make_step(torch, network, variant, device):
    """A function that trains one step on the images that an index names."""
    if variant.startswith("compiled"):
        forward, backward = torch.compile(network.forward), torch.compile(network.backward)
        eager = lambda index: network.step(index, forward, backward)
    else:
        eager = network.step
    if not variant.endswith("graph"):
        return eager

    index = torch.zeros(network.replicas, network.batch, dtype=torch.long, device=device)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            eager(index)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        eager(index)

    def replay(batch):
        index.copy_(batch)
        graph.replay()
    return replay


def measure(torch, steps, device, case, variant):
    """Times a case: runs of at least 0.1 s after a warm-up of 1 s, as 'fdfa bench' does."""
    topology, image, rule, preset, normalized, batch, replicas = case
    torch.manual_seed(0)
    pixels = image[0] * image[1] * image[2] if image else int(topology.split("-")[0])
    classes = int(topology.split("-")[-1])
    count = batch * max(1, min(200, MOST_DATA // (batch * pixels)))
    images = torch.randint(0, 256, (count, pixels), dtype=torch.uint8, device=device)
    labels = (torch.arange(count) % classes).to(device)
    order = torch.stack([torch.randperm(count) for _ in range(replicas)]).to(device)
    network = steps.Network(topology, image, rule, preset, normalized, batch, replicas, device, images, labels)
    network.optimize_with(make_optimizer(torch, device, captured=variant.endswith("graph")))
    step = make_step(torch, network, variant, device)
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    done = 0

    def run_for(seconds=None, number=None):
        nonlocal done
        start = time.perf_counter()
        first = done
        while (done - first < number) if number else (time.perf_counter() - start < seconds):
            at = done * batch % count
            step(order[:, at:at + batch])
            done += 1
            if not number:
                synchronize()
        synchronize()
        return time.perf_counter() - start, done - first

    run_for(number=1)  # Compiles; that is not the step's time.
    run_for(seconds=WARM_UP)
    number = max(1, run_for(seconds=LEAST_RUN)[1])
    times = sorted(run_for(number=number)[0] / number for _ in range(RUNS))
    if not bool(torch.isfinite(network.loss).all()):
        raise Refusal(f"{rule} on {topology} diverged, so that its times mean nothing.")
    return times[RUNS // 2], times[RUNS // 10], times[RUNS - 1 - RUNS // 10]


def duration(seconds):
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def print_table(rows, heading):
    columns = ["Rule", "Network", "Batch", "Seeds", "Variant", "Median", "10th to 90th percentile"]
    cells = [[
        row["rule"], row["network"] + (f" on {row['input']}" if "input" in row else "") + (", batch norm" if row["batchNormalization"] else ""),
        str(row["batchSize"]), str(row["replicas"]), row["variant"], duration(row["medianSeconds"]),
        f"{duration(row['lowSeconds'])} to {duration(row['highSeconds'])}"] for row in rows]
    widths = [max(len(line[at]) for line in [columns, *cells]) for at in range(len(columns))]
    print(heading)
    for line in [columns, ["-" * width for width in widths], *cells]:
        print("  ".join(text.ljust(width) if at in (0, 1, 4) else text.rjust(width) for at, (text, width) in enumerate(zip(line, widths))).rstrip())


def describe(torch, device):
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return dict(selector=str(device), kind="Cuda", name=properties.name, memoryBytes=properties.total_memory,
                    details=f"{properties.multi_processor_count} multiprocessors")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return dict(selector="cpu", kind="Cpu", name=processor(), memoryBytes=memory, details=f"{torch.get_num_threads()} threads")


def write(path, document):
    """The whole file or none: written under another name first."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as failure:
        raise Refusal(f"The file '{path}' cannot be written ({failure.strerror}); give another with --json.")


def read_cases(arguments):
    """The cases that the options ask for."""
    if arguments.all and (arguments.network or arguments.input):
        raise Refusal("The options --all and --network exclude each other; give one of them.")
    networks = NETWORKS if arguments.all else [(arguments.network or NETWORKS[0][0], arguments.input)]
    rules = arguments.rules.split(",")
    for rule in rules:
        if rule not in ("FDFA", "BP"):
            raise Refusal(f"The rule '{rule}' is none of FDFA and BP.")
    for name in ("batch_size", "replicas", "threads"):
        if getattr(arguments, name) is not None and getattr(arguments, name) < 1:
            raise Refusal(f"The value of --{name.replace('_', '-')} is {getattr(arguments, name)}; give a whole number from 1.")
    normalized = arguments.preset == "published-code" if arguments.batch_norm is None else arguments.batch_norm
    return [
        (topology, read_shape(image), rule, arguments.preset, normalized,
         arguments.batch_size or (128 if topology.startswith("alexnet-") else 64), arguments.replicas)
        for topology, image in networks for rule in rules]


def main():
    arguments = read_arguments()
    cases = read_cases(arguments)
    torch = import_torch()
    import pytorch_steps as steps
    for topology, image, *_ in cases:
        steps.parse(topology, image)
    device = choose_device(torch, arguments.device)
    variants = choose_variants(torch, device, arguments.variants)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.tf32
    torch.backends.cudnn.benchmark = True
    rows = []
    with torch.no_grad():
        for case in cases:
            for variant in variants:
                topology, image, rule, preset, normalized, batch, replicas = case
                median, low, high = measure(torch, steps, device, case, variant)
                rows.append(dict(
                    rule=rule, network=topology, **({"input": "x".join(map(str, image))} if image else {}), batchNormalization=normalized,
                    preset=preset, batchSize=batch, replicas=replicas, variant=variant,
                    medianSeconds=median, lowSeconds=low, highSeconds=high))
    description = describe(torch, device)
    print_table(rows, f"One training step, PyTorch {torch.__version__}, {description['name']} ({description['details']})"
                + (", TF32" if arguments.tf32 else ""))
    if arguments.json:
        versions = dict(torch=torch.__version__, python=platform.python_version())
        if device.type == "cuda":
            versions["cuda"] = torch.version.cuda or "none"
        if arguments.tf32:
            versions["tf32"] = "allowed"
        write(arguments.json, dict(
            schemaVersion=SCHEMA_VERSION, program="pytorch", measuredAt=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            machine=dict(processor=processor(), cores=cores(), operatingSystem=platform.platform()), device=description,
            versions=versions, results=rows))
        print(f"The times are in {arguments.json}")


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"pytorch_peer.py: {refusal}")
    except ValueError as mistake:
        if type(mistake).__name__ != "Notation":
            raise
        sys.exit(f"pytorch_peer.py: {mistake}.")
    except KeyboardInterrupt:
        sys.exit("pytorch_peer.py: Interrupted.")
