#!/usr/bin/env python3
"""Checks pytorch_steps.py against autograd and plain NumPy: python3 test_pytorch_steps.py. Runs on the CPU in a few seconds."""

import unittest

import numpy
import torch
import torch.nn.functional as F

import pytorch_steps as steps

CASES = [
    ("7-9-8-5", None), ("4C3-3C2-P2-6-5", (2, 9, 8)), ("4C3/2+1-P3/2-3C3+1-P2-5", (2, 15, 13)), ("6-5", None),
]


def make(topology, image, rule, preset, normalized, batch=6, replicas=2):
    """A network in double precision with feedback that is not zero."""
    torch.manual_seed(1)
    pixels = image[0] * image[1] * image[2] if image else int(topology.split("-")[0])
    images = torch.randint(0, 256, (20, pixels), dtype=torch.uint8)
    labels = torch.arange(20) % int(topology.split("-")[-1])
    network = steps.Network(topology, image, rule, preset, normalized, batch, replicas, torch.device("cpu"), images, labels)
    for parameter in network.feedback_parameters:
        parameter.copy_(torch.randn_like(parameter))
    for block in network.blocks:
        if block.normalized:
            block.scale += 0.3 * torch.randn_like(block.scale)
            block.shift += 0.3 * torch.randn_like(block.shift)
    index = torch.stack([torch.randperm(20)[:batch] for _ in range(replicas)])
    return network, index


def functional(network, replica, index, parameters, additions):
    """The outputs of one replica as PyTorch's own modules would give them; additions are added at the blocks' sites."""
    y = network.images[index[replica]].to(torch.get_default_dtype()) * (2 / 255) - 1
    if network.image:
        y = y.view(-1, *network.image)
    sites = []
    for block, (weights, *rest), addition in zip(network.blocks, parameters, additions):
        convolves = isinstance(block, steps.Convolution)
        bias = None if block.normalized else rest[0]
        if convolves:
            y = F.conv2d(y, weights, bias, stride=block.geometry["stride"], padding=block.geometry["padding"])
        else:
            y = F.linear(y.flatten(1), weights, bias)
        if block.normalized:
            y = F.batch_norm(y, None, None, rest[0], rest[1], training=True, eps=1e-5)
        if not block.is_output:
            y = F.relu(y)
        if block.site_before_pool and addition is not None:
            y = y + addition
            sites.append(y)
        if block.pool:
            y = F.max_pool2d(y, *block.pool)
        if not block.site_before_pool and addition is not None:
            y = y + addition
            sites.append(y)
    return y, sites


def of_replica(network, replica):
    """The replica's parameters as PyTorch's modules have them."""
    lists = []
    for block in network.blocks:
        if isinstance(block, steps.Convolution):
            lists.append([parameter.reshape(network.replicas, -1, *parameter.shape[1:])[replica] if at == 0
                          else parameter.reshape(network.replicas, -1)[replica] for at, parameter in enumerate(block.parameters)])
        else:
            lists.append([block.weights[replica]] + [parameter[replica, 0] for parameter in block.parameters[1:]])
    return lists


def gradient_of_replica(network, replica):
    saved = [(block.parameters, block.gradients) for block in network.blocks]
    for block in network.blocks:
        block.parameters = block.gradients
        block.weights = block.gradients[0]
    result = of_replica(network, replica)
    for block, (parameters, _) in zip(network.blocks, saved):
        block.parameters = parameters
        block.weights = parameters[0]
    return result


class Steps(unittest.TestCase):
    def setUp(self):
        torch.set_default_dtype(torch.float64)

    def tearDown(self):
        torch.set_default_dtype(torch.float32)

    def cases(self, rule):
        for topology, image in CASES:
            for preset in ("paper", "published-code"):
                for normalized in (False, True):
                    with self.subTest(topology=topology, preset=preset, normalized=normalized), torch.no_grad():
                        yield make(topology, image, rule, preset, normalized)

    def assert_close(self, actual, expected, what):
        self.assertEqual(tuple(actual.shape), tuple(expected.shape), what)
        error = float((actual - expected).abs().max() / (1 + expected.abs().max()))
        self.assertLess(error, 1e-11, what)

    def gather_double(self, network):
        """float() would lose what a comparison in double precision needs."""
        def gather(index):
            y = network.images[index].double() * (2 / 255) - 1
            return y if network.image is None else y.transpose(0, 1).reshape(
                index.shape[1], network.replicas * network.image[0], *network.image[1:])
        network.gather = gather

    def test_backpropagation_is_autograd(self):
        for network, index in self.cases("BP"):
            self.gather_double(network)
            network.forward(index, None)
            network.backward()
            for replica in range(network.replicas):
                self.compare_with_autograd(network, index, replica)

    def compare_with_autograd(self, network, index, replica):
        parameters = [[value.clone().requires_grad_() for value in values] for values in of_replica(network, replica)]
        with torch.enable_grad():
            outputs, _ = functional(network, replica, index, parameters, [None] * len(network.blocks))
            loss = F.cross_entropy(outputs, network.labels[index[replica]])
            flat = [value for values in parameters for value in values]
            expected = iter(torch.autograd.grad(loss, flat))
        self.assert_close(network.loss[replica], loss.detach(), "loss")
        for block, gradients in enumerate(gradient_of_replica(network, replica)):
            for at, gradient in enumerate(gradients):
                self.assert_close(gradient, next(expected), f"gradient {at} of block {block + 1}")

    def test_tangents_are_directional_derivatives_and_feedback_follows_them(self):
        for network, index in self.cases("FDFA"):
            self.gather_double(network)
            perturbations = [network.draw(block) for block in network.hidden]
            network.forward(index, perturbations)
            for replica in range(network.replicas):
                self.compare_feedback(network, index, replica, perturbations)

    def compare_feedback(self, network, index, replica, perturbations):
        parameters = of_replica(network, replica)
        sites = [network.blocks[at].from_site(u)[replica] for at, u in enumerate(perturbations)]
        shaped = [u.view(network.batch, *block.site) if isinstance(block, steps.Convolution) else u for block, u in zip(network.hidden, sites)]

        def outputs(*additions):
            return functional(network, replica, index, parameters, [*additions, None])[0]

        with torch.enable_grad():
            zeros = tuple(torch.zeros_like(u) for u in shaped)
            tangent = torch.autograd.functional.jvp(outputs, zeros, tuple(shaped))[1] if shaped else None
        for at, (block, u) in enumerate(zip(network.hidden, sites)):
            # NumPy's sum over samples of d (x) u, written as the paper has it.
            products = numpy.einsum("so,si->oi", tangent.numpy(), u.numpy())
            expected = block.feedback[replica].numpy() - products / network.batch
            self.assert_close(network.feedback_gradients[at][replica], torch.from_numpy(expected), f"feedback gradient of block {at + 1}")

    def test_gradients_are_local_ones_of_the_projected_error(self):
        for network, index in self.cases("FDFA"):
            self.gather_double(network)
            network.forward(index, [network.draw(block) for block in network.hidden])
            network.backward()
            for replica in range(network.replicas):
                self.compare_local(network, index, replica)

    def compare_local(self, network, index, replica):
        parameters = [[value.clone().requires_grad_() for value in values] for values in of_replica(network, replica)]
        additions = [torch.zeros(network.batch, *(block.site if isinstance(block, steps.Convolution) else block.shape)) for block in network.hidden]
        with torch.enable_grad():
            outputs, sites = functional(network, replica, index, parameters, [*additions, None])
            labels = network.labels[index[replica]]
            error = (torch.softmax(outputs, 1) - F.one_hot(labels, network.outputs)).detach() / network.batch
            for at, block in enumerate(network.blocks):
                if block.is_output:
                    value, seed = outputs, error
                else:
                    value = sites[at]
                    seed = torch.from_numpy(error.numpy() @ block.feedback[replica].numpy()).view_as(value)
                # Only this block's parameters: whatever lies before it is its input.
                expected = torch.autograd.grad(value, parameters[at], seed, retain_graph=True)
                for number, gradient in enumerate(gradient_of_replica(network, replica)[at]):
                    self.assert_close(gradient, expected[number], f"gradient {number} of block {at + 1}")

    def test_a_step_updates_the_feedback_before_or_after_its_use(self):
        for preset in ("paper", "published-code"):
            with self.subTest(preset=preset), torch.no_grad():
                network, index = make("7-9-8-5", None, "FDFA", preset, False)
                self.gather_double(network)
                network.optimize_with(lambda parameters: torch.optim.SGD(parameters, lr=0.5))
                used = []
                backward = network.backward
                network.backward = lambda: (used.append(network.blocks[0].feedback.clone()), backward())
                before = network.blocks[0].feedback.clone()
                network.step(index)
                self.assertEqual(bool((used[0] == before).all()), preset == "published-code")
                after = before - 0.5 * network.feedback_gradients[0]
                self.assert_close(network.blocks[0].feedback, after, "feedback after the step")

    def test_training_learns(self):
        torch.set_default_dtype(torch.float32)
        for rule in ("FDFA", "BP"):
            with self.subTest(rule=rule), torch.no_grad():
                network, index = make("30-64-64-5", None, rule, "published-code", True, batch=16)
                network.optimize_with(lambda parameters: torch.optim.Adam(parameters, lr=3e-3))
                network.step(index)
                first = network.loss.clone()
                for _ in range(300):
                    network.step(index)
                self.assertTrue(bool((network.loss < 0.5 * first).all()), f"{first} to {network.loss}")

    def test_a_topology_that_is_none_is_refused(self):
        for topology, image in [("784-x-10", None), ("15C5-P2", (1, 28, 28)), ("15C5-10", None), ("P2-10", (1, 28, 28))]:
            with self.subTest(topology=topology), self.assertRaises(steps.Notation):
                steps.parse(topology, image)


if __name__ == "__main__":
    unittest.main()
