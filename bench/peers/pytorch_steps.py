"""Training steps of FDFA and backpropagation in plain PyTorch, written out: no autograd, no hooks, nothing hidden.

A block is: linear map (dense or convolution) -> optional batch normalization -> ReLU -> optional max pooling; the last is linear.
Every step of a batch is the same mathematics as in Fdfa.Cpu.Reference:

    forward    z = W y + b (no b under batch normalization),  a = gamma x^ + beta,  y' = pool(relu(a))
    tangent    d' = the same, linearised at z, plus u at the perturbation site                      (FDFA only)
    loss       mean softmax cross-entropy,  e = (softmax(y_L) - onehot) / N
    FDFA       grad B_l = B_l - (1/N) sum_s d_L,s (x) u_l,s,   error of block l at its site = e B_l
    BP         error of block l at its output = error of block l + 1 back through its linear map
    both       from that error back through pool, ReLU and normalization to the linear map, exactly
    update     Adam(1e-4) on weights, biases, gamma, beta and B

Replicas (networks of the same shape, one per seed) share every call: dense maps are batched products over a leading dimension
[R, N, n], convolutions are grouped by replica over channels [N, R C, H, W].
"""

import math
import re

import torch
import torch.nn.functional as F

EPSILON = 1e-5
MOMENTUM = 0.1


class Notation(ValueError):
    """A network that this file does not know; the message is for people."""


def parse(topology, image):
    """Reads the notation of fdfa's --network.

    Returns a list of ("dense", outputs) and ("conv", filters, kernel, stride, padding, (window, stride) or None).
    """
    if topology.startswith("alexnet-"):
        first = {32: "64C11+5", 64: "64C11/2+5"}.get(image[1] if image else 0, "64C11/4+2")
        average = "-A6" if first.endswith("/4+2") else ""
        topology = f"{first}-P3/2-192C5+2-P3/2-384C3+1-256C3+1-256C3+1-P3/2{average}-4096-4096-{topology[8:]}"
    items = []
    words = topology.split("-")
    for index, word in enumerate(words):
        convolution = re.fullmatch(r"(\d+)C(\d+)(?:/(\d+))?(?:\+(\d+))?", word)
        pool = re.fullmatch(r"P(\d+)(?:/(\d+))?", word)
        if convolution:
            filters, kernel, stride, padding = (int(value) if value else None for value in convolution.groups())
            items.append(("conv", filters, kernel, stride or 1, padding or 0, None))
        elif pool and items and items[-1][0] == "conv" and items[-1][5] is None:
            window = int(pool.group(1))
            items[-1] = items[-1][:5] + ((window, int(pool.group(2) or window)),)
        elif word == "A6" and items and items[-1][0] == "conv":
            continue  # Where AlexNet has it, its input is 6x6 already; Network checks.
        elif re.fullmatch(r"[1-9]\d*", word):
            if index > 0:
                items.append(("dense", int(word)))
        else:
            raise Notation(f"the item '{word}' of the network '{topology}' is none of 800, 15C5, 64C11/4+2, P2 and P3/2")
    if not items or items[-1][0] != "dense":
        raise Notation(f"the network '{topology}' does not end with a number of outputs")
    if not re.fullmatch(r"\d+", words[0]) and image is None:
        raise Notation(f"the network '{topology}' reads images; give their shape with --input, such as 1x28x28")
    return items


class Block:
    """A block of all replicas: its parameters, its forward and tangent pass, and its backward pass from an error at a site."""

    def __init__(self, shape, is_output, normalized, site_before_pool):
        self.shape = shape  # Of a sample's output.
        self.is_output = is_output
        self.normalized = normalized
        self.pool = None
        self.site_before_pool = site_before_pool
        self.feedback = None

    def start(self, weights, fan_in, channels, bound, bias_bound, device):
        """Makes the parameters; weights has the shape of W, channels that of b, gamma and beta."""
        uniform = lambda size, limit: (torch.rand(size, device=device) * 2 - 1) * limit
        self.weights = uniform(weights, bound(fan_in))
        if self.normalized:
            self.scale = torch.ones(channels, device=device)
            self.shift = torch.zeros(channels, device=device)
            self.running_mean = torch.zeros(channels, device=device)
            self.running_variance = torch.ones(channels, device=device)
            self.parameters = [self.weights, self.scale, self.shift]
        else:
            self.bias = uniform(channels, bias_bound(fan_in))
            self.parameters = [self.weights, self.bias]

    def mean(self, values):
        """Over a channel's values in the batch, kept as dimensions of 1."""
        return values.mean(dim=self.channel_values, keepdim=True)

    def forward(self, y, d, perturbation):
        """One pass for values and tangents; d is None where the input has none, perturbation where nothing is injected."""
        self.input = y
        z = self.linear(y)
        t = None if d is None else self.linear_tangent(d)
        if self.normalized:
            mean = self.mean(z)
            variance = self.mean((z - mean) ** 2)
            self.inverse = torch.rsqrt(variance + EPSILON)
            self.standard = (z - mean) * self.inverse
            z = self.scale * self.standard + self.shift
            if t is not None:
                t = self.scale * self.through_normalization(t)
            count = self.standard.numel() // mean.numel()
            self.running_mean.lerp_(mean.detach(), MOMENTUM)
            self.running_variance.lerp_(variance.detach() * (count / max(count - 1, 1)), MOMENTUM)
        if not self.is_output:
            self.active = z > 0
            z = z * self.active
            t = None if t is None else t * self.active
        if perturbation is not None and self.site_before_pool:
            t = perturbation if t is None else t + perturbation
        if self.pool:
            self.before_pool = z
            z, self.choices = F.max_pool2d(z, *self.pool, return_indices=True)
            t = None if t is None else t.flatten(2).gather(2, self.choices.flatten(2)).view_as(z)
        if perturbation is not None and not self.site_before_pool:
            t = perturbation if t is None else t + perturbation
        return z, t

    def through_normalization(self, values):
        """r (v - <v> - x^ <x^ v>): the tangent and, since it is symmetric, the way back."""
        return self.inverse * (values - self.mean(values) - self.standard * self.mean(self.standard * values))

    def backward(self, error, before_pool):
        """From the error at the block's output, or before its pool, to the gradients of its parameters. Returns the error at z."""
        if self.pool and not before_pool:
            window, stride = self.pool
            error = torch.ops.aten.max_pool2d_with_indices_backward(
                error, self.before_pool, [window] * 2, [stride] * 2, [0, 0], [1, 1], False, self.choices)
        if not self.is_output:
            error = error * self.active
        if self.normalized:
            shift = error.sum(dim=self.channel_values).view_as(self.shift)
            scale = (error * self.standard).sum(dim=self.channel_values).view_as(self.scale)
            error = self.through_normalization(self.scale * error)
            rest = [scale, shift]
        else:
            rest = [error.sum(dim=self.channel_values).view_as(self.bias)]
        self.gradients = [self.weight_gradient(error)] + rest
        return error


class Dense(Block):
    """W is [R, outputs, inputs]; values are [R, N, n]."""

    channel_values = 1

    def __init__(self, replicas, inputs, outputs, is_output, normalized, bound, bias_bound, device):
        super().__init__((outputs,), is_output, normalized and not is_output, site_before_pool=False)
        self.start((replicas, outputs, inputs), inputs, (replicas, 1, outputs), bound, bias_bound, device)

    def linear(self, y):
        return self.linear_tangent(y) if self.normalized else torch.baddbmm(self.bias, y, self.weights.mT)

    def linear_tangent(self, d):
        return torch.bmm(d, self.weights.mT)

    def weight_gradient(self, error):
        return torch.bmm(error.mT, self.input)

    def input_error(self, error):
        return torch.bmm(error, self.weights)

    def at_site(self, values):
        """[R, N, site] as the block has its values."""
        return values

    def from_site(self, values):
        return values


class Convolution(Block):
    """W is [R filters, channels, kernel, kernel], grouped by replica; values are [N, R C, H, W]."""

    channel_values = (0, 2, 3)

    def __init__(self, replicas, image, item, normalized, site_before_pool, bound, bias_bound, device):
        _, filters, kernel, stride, padding, pool = item
        channels, height, width = image
        rows, columns = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        self.map = (filters, rows, columns)
        pooled = self.map if pool is None else (filters, (rows - pool[0]) // pool[1] + 1, (columns - pool[0]) // pool[1] + 1)
        super().__init__(pooled, False, normalized, site_before_pool)
        self.pool = pool
        self.site = self.map if site_before_pool else pooled
        self.replicas = replicas
        self.geometry = dict(stride=stride, padding=padding, groups=replicas)
        fan_in = channels * kernel * kernel
        self.start((replicas * filters, channels, kernel, kernel), fan_in, (1, replicas * filters, 1, 1), bound, bias_bound, device)

    def linear(self, y):
        return F.conv2d(y, self.weights, None if self.normalized else self.bias.flatten(), **self.geometry)

    def linear_tangent(self, d):
        return F.conv2d(d, self.weights, **self.geometry)

    def weight_gradient(self, error):
        return torch.nn.grad.conv2d_weight(self.input, self.weights.shape, error, **self.geometry)

    def input_error(self, error):
        return torch.nn.grad.conv2d_input(self.input.shape, self.weights, error, **self.geometry)

    def at_site(self, values):
        """[R, N, site] as [N, R C, H, W]."""
        batch = values.shape[1]
        return values.view(self.replicas, batch, *self.site).transpose(0, 1).reshape(batch, self.replicas * self.site[0], *self.site[1:])

    def from_site(self, values):
        """[N, R C, H, W] as [R, N, site]."""
        batch = values.shape[0]
        return values.view(batch, self.replicas, -1).transpose(0, 1)


class Network:
    """Replicas of a network that trains with a rule on images that lie on the device as bytes."""

    def __init__(self, topology, image, rule, preset, normalized, batch, replicas, device, images, labels):
        items = parse(topology, image)
        published = preset == "published-code"
        bound = (lambda fan_in: 1 / math.sqrt(fan_in)) if published else (lambda fan_in: math.sqrt(6 / fan_in))
        bias_bound = bound if published else (lambda fan_in: 0.0)
        before_pool = published and not topology.startswith("alexnet-")
        self.rule, self.batch, self.replicas = rule, batch, replicas
        self.feedback_first = not published
        self.images, self.labels = images, labels
        self.image = image if items[0][0] == "conv" else None
        self.blocks = []
        shape = tuple(image) if self.image else (images.shape[1],)
        for index, item in enumerate(items):
            if item[0] == "conv":
                block = Convolution(
                    replicas, shape, item, normalized or topology.startswith("alexnet-"), before_pool and item[5] is not None, bound, bias_bound, device)
            else:
                block = Dense(replicas, math.prod(shape), item[1], index == len(items) - 1, normalized, bound, bias_bound, device)
            self.blocks.append(block)
            shape = block.shape
        if topology.startswith("alexnet-") and image[1] not in (32, 64) and self.blocks[4].shape[1:] != (6, 6):
            raise Notation(f"alexnet on {image[1]} pixels averages to 6x6, which this script leaves out; give 224, 64 or 32 pixels")
        self.outputs = shape[0]
        self.hidden, self.output = self.blocks[:-1], self.blocks[-1]
        self.loss = torch.zeros(replicas, device=device)
        self.weight_parameters = [parameter for block in self.blocks for parameter in block.parameters]
        self.feedback_parameters = []
        if rule == "FDFA":
            for block in self.hidden:
                site = math.prod(block.site) if isinstance(block, Convolution) else block.shape[0]
                block.feedback = torch.zeros(replicas, self.outputs, site, device=device)
                self.feedback_parameters.append(block.feedback)

    def optimize_with(self, make):
        """Gives both groups of parameters an optimizer of their own."""
        self.weight_optimizer = make(self.weight_parameters)
        self.feedback_optimizer = make(self.feedback_parameters) if self.feedback_parameters else None

    def gather(self, index):
        """Bytes of the batch's images as numbers from -1 to 1. index is [R, N]."""
        y = self.images[index].float() * (2 / 255) - 1
        if self.image is None:
            return y
        return y.transpose(0, 1).reshape(index.shape[1], self.replicas * self.image[0], *self.image[1:])

    def draw(self, block):
        """Fresh u of a hidden block, as the block has its values."""
        if isinstance(block, Convolution):
            shape = (self.batch, self.replicas * block.site[0], *block.site[1:])
        else:
            shape = (self.replicas, self.batch, *block.shape)
        return torch.randn(shape, device=self.loss.device)

    def forward(self, index, perturbations):
        """Everything up to the error e, and with FDFA the gradients of B. perturbations has u of each hidden block, or None."""
        y, d = self.gather(index), None
        for position, block in enumerate(self.blocks):
            if isinstance(block, Dense) and position > 0 and isinstance(self.blocks[position - 1], Convolution):
                above = self.blocks[position - 1]
                flat = lambda values: values.view(self.batch, above.replicas, -1).transpose(0, 1)
                y, d = flat(y), None if d is None else flat(d)
            y, d = block.forward(y, d, None if perturbations is None or block.is_output else perturbations[position])
        labels = self.labels[index]
        logarithms = torch.log_softmax(y, dim=2)
        self.loss = -logarithms.gather(2, labels.unsqueeze(2)).mean(dim=(1, 2))
        self.error = (logarithms.exp() - F.one_hot(labels, self.outputs)) / self.batch
        if self.rule == "FDFA":
            self.feedback_gradients = [
                torch.baddbmm(block.feedback, d.mT, block.from_site(u), alpha=-1 / self.batch)
                for block, u in zip(self.hidden, perturbations)]

    def backward(self):
        """The gradients of weights, biases, gamma and beta, from e."""
        error = self.output.backward(self.error, before_pool=False)
        if self.rule == "FDFA":
            for block in self.hidden:
                block.backward(block.at_site(torch.bmm(self.error, block.feedback)), block.site_before_pool)
            return
        for block, above in zip(reversed(self.hidden), reversed(self.blocks)):
            error = above.input_error(error)
            if isinstance(above, Dense) and isinstance(block, Convolution):
                error = error.transpose(0, 1).reshape(self.batch, block.replicas * block.shape[0], *block.shape[1:])
            error = block.backward(error, before_pool=False)

    def step(self, index, forward=None, backward=None):
        """One training step on the images that index names; forward and backward may be compiled ones."""
        perturbations = [self.draw(block) for block in self.hidden] if self.rule == "FDFA" else None
        (forward or self.forward)(index, perturbations)
        if self.feedback_optimizer:
            for parameter, gradient in zip(self.feedback_parameters, self.feedback_gradients):
                parameter.grad = gradient
            if self.feedback_first:
                self.feedback_optimizer.step()
        (backward or self.backward)()
        for parameter, gradient in zip(self.weight_parameters, (gradient for block in self.blocks for gradient in block.gradients)):
            parameter.grad = gradient
        if self.feedback_optimizer and not self.feedback_first:
            self.feedback_optimizer.step()
        self.weight_optimizer.step()
