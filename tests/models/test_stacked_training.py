"""Training in stacked form equals the published form and torch, fold by fold."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gexflow.models.gene_network import ShuffledGenes, random_order
from gexflow.models.gexpnet import GexpNet
from gexflow.models.losses import balanced_weights, fold_losses
from gexflow.models.optimisers import OPTIMISERS, StackOptimiser
from gexflow.models.patches import patch_moments
from gexflow.models.schedules import build_schedule
from gexflow.models.stacked_gexpnet import StackedGexpNet, _keep
from gexflow.models.stacked_layers import HeadSum, NormalisedLinear
from gexflow.models.stacks import stack
from gexflow.models.trainer import FoldData, Training, train

CPU = torch.device("cpu")
NO_DROPOUT = {"stem_dropout": 0.0, "head_dropout": 0.0, "hidden_dropout": 0.0}
SHAPES = {
    "published": {},
    "second convolutions": {"second_convolution": True},
    "four heads": {"heads": 4},
    "other sizes": {"heads": [(1, 4, "elu"), (11, 9, "relu")], "block_channels": 16, "stem_kernel": 7, "hidden": 12},
    "no channel left over": {"heads": [(3, 12, "silu"), (5, 4, "gelu")], "block_channels": 12},
}
# a bias before a BatchNorm has no gradient but rounding noise; the block's shortcut ends in one, too
NO_GRADIENT = ("convolution.bias", "stem.0.bias", "shortcut.0.bias", "block.shortcut.1.bias")


def networks(folds: int, genes: int, dtype: torch.dtype, **options) -> list[GexpNet]:
    torch.manual_seed(folds)
    made = [GexpNet(genes, 4, **NO_DROPOUT, **options).to(dtype).train() for _ in range(folds)]
    for network in made:
        for values in network.parameters():
            if values.ndim == 1:  # norms and biases, which begin as ones and zeros
                values.data += 0.3 * torch.randn_like(values)
    return made


def of_stack(stacked: StackedGexpNet, fold: int) -> dict[str, torch.Tensor]:
    """Return the gradients of a fold by their names in the published form."""
    for values in stacked.parameters.values():
        values.grad = torch.zeros_like(values) if values.grad is None else values.grad
    gradients = copy.copy(stacked)
    gradients.parameters = {name: values.grad for name, values in stacked.parameters.items()}
    return gradients.state(fold)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 1e-5)])
def test_outputs_gradients_and_statistics_equal_the_published_form(dtype, tolerance, options, absent):
    plain = networks(3, 23, dtype, **options)
    stacked = StackedGexpNet(plain, CPU)
    x, y = torch.randn(3, 14, 23, dtype=dtype), torch.randint(4, (3, 14))
    present = torch.ones(3, 14, dtype=dtype)
    if absent:
        present[1, -4:] = 0
    logits = stacked.forward(x, present if absent else None)
    fold_losses(logits, y, present, 0.0, None).sum().backward()
    for fold, network in enumerate(plain):
        rows = present[fold].bool()
        expected = network(x[fold, rows])
        functional.cross_entropy(expected, y[fold, rows]).backward()
        assert relative(logits[fold, rows], expected) < tolerance
        gradients, state = of_stack(stacked, fold), stacked.state(fold)
        for name, values in network.named_parameters():
            if not name.endswith(NO_GRADIENT):
                assert relative(gradients[name], values.grad) < tolerance, name
        for name, values in network.named_buffers():
            torch.testing.assert_close(state[name], values, rtol=1e-5, atol=1e-5)


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).detach().norm() / expected.detach().norm())


def test_a_batch_of_the_published_size_equals_the_published_form_in_float32():
    torch.manual_seed(0)
    network = GexpNet(486, 5, **NO_DROPOUT).train()
    stacked = StackedGexpNet([network], CPU)
    x, y = torch.randn(64, 486), torch.randint(5, (64,))
    logits = stacked.forward(x[None])[0]
    functional.cross_entropy(logits, y).backward()
    expected = network(x)
    functional.cross_entropy(expected, y).backward()
    assert relative(logits, expected) < 1e-5
    for name, values in of_stack(stacked, 0).items():
        if not name.endswith(NO_GRADIENT) and name in dict(network.named_parameters()):
            assert relative(values, network.get_parameter(name).grad) < 1e-5, name


@pytest.mark.parametrize("kind", [nn.ReLU, nn.GELU, nn.SiLU, nn.ELU])
def test_the_gradients_of_the_heads_sum_are_right(kind):
    torch.manual_seed(1)
    make = lambda *shape: torch.randn(*shape, dtype=torch.float64, requires_grad=True)  # noqa: E731
    total, weights, keep = make(3, 2, 6, 5), make(2, 2), (torch.rand(3, 2, 4, 5) > 0.5).double() * 2
    parts = make(3, 2, 4, 5), make(3, 2, 4, 5), make(3, 2, 6, 5), make(3, 2, 6, 5)

    def summed(total, weights, *parts):
        return HeadSum.apply(total * 1, weights, (kind, nn.SiLU), *parts[:2], keep, *parts[2:], None)

    assert torch.autograd.gradcheck(summed, (total, weights, *parts))


@pytest.mark.parametrize("absent", [False, True])
def test_the_gradients_of_the_normalised_linear_layer_are_right(absent):
    torch.manual_seed(2)
    make = lambda *shape: torch.randn(*shape, dtype=torch.float64, requires_grad=True)  # noqa: E731
    present = (torch.arange(6)[:, None] < torch.tensor([6, 4])).double() if absent else None
    arguments = make(6, 2, 3, 5), make(2, 3), make(2, 3), make(2, 4, 5, 3)

    def layer(*arguments):
        outputs = NormalisedLinear.apply(*arguments, present, 1e-5)[0]
        return outputs if present is None else outputs * present.T[..., None]

    assert torch.autograd.gradcheck(layer, arguments)


@pytest.mark.parametrize(("genes", "reach"), [(30, 7), (4, 7), (1, 3), (9, 1)])
def test_patch_moments_equal_those_of_all_patches(genes, reach):
    x = torch.randn(5, 6, genes, dtype=torch.float64)
    moments = patch_moments(x, 2, reach)
    patches = functional.pad(x, (reach // 2, reach // 2)).unfold(2, reach, 1)  # samples, channels, genes, reach
    for fold in range(2):
        flat = patches[:, 3 * fold : 3 * fold + 3].permute(1, 3, 0, 2).reshape(3 * reach, -1)
        torch.testing.assert_close(moments.mean[fold].flatten(), flat.mean(dim=1))
        expected = torch.cov(flat, correction=0) if flat.shape[1] > 1 else torch.zeros(3 * reach, 3 * reach).double()
        torch.testing.assert_close(moments.covariance[fold].reshape(3 * reach, -1), expected.reshape(3 * reach, -1))


def folds_data(sizes: list[int], genes: int) -> list[FoldData]:
    rng, data = np.random.default_rng(4), []
    for number, size in enumerate(sizes, 1):
        targets = rng.integers(0, 4, size)
        values = rng.normal(size=(size, genes)) + np.eye(4, genes)[targets] * 2
        data.append(FoldData(values.astype(np.float32), targets, None, torch.Generator().manual_seed(number), number))
    return data


def course(together: bool, dtype: torch.dtype, epochs: int, sizes: list[int], **settings) -> tuple[list, list]:
    plain = networks(3, 20, dtype)
    training = Training("adamax", 2e-3, epochs, 16, "one-cycle", **settings)
    data = folds_data(sizes, 20)
    if dtype == torch.float64:
        for fold in data:
            fold.values = fold.values.astype(np.float64)
    if together:
        return plain, train(stack(plain, CPU), data, 4, training, CPU)
    return plain, [train(stack([p], CPU), [d], 4, training, CPU)[0] for p, d in zip(plain, data, strict=True)]


def test_stacked_folds_end_with_the_weights_that_each_gets_by_itself_in_float64():
    """50 steps; the folds differ in size, so that the last batches differ in size and number."""
    sizes = [80, 74, 81]
    one, _ = course(False, torch.float64, 10, sizes)
    all_at_once, _ = course(True, torch.float64, 10, sizes)
    x = torch.randn(30, 20, dtype=torch.float64)
    for single, stacked in zip(one, all_at_once, strict=True):
        for name, values in single.state_dict().items():
            if not name.endswith(NO_GRADIENT):
                torch.testing.assert_close(stacked.state_dict()[name], values, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(stacked.eval()(x), single.eval()(x), rtol=1e-8, atol=1e-8)


def test_stacked_folds_have_the_same_curves_and_predictions_in_float32():
    sizes = [96, 90, 96]
    one, alone = course(False, torch.float32, 6, sizes, label_smoothing=0.1, class_weights="balanced")
    all_at_once, together = course(True, torch.float32, 6, sizes, label_smoothing=0.1, class_weights="balanced")
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_allclose([line["loss"] for line in second], [line["loss"] for line in first], rtol=1e-4)
        np.testing.assert_allclose(second[0]["loss"], first[0]["loss"], rtol=1e-5)
        assert [line["learning_rate"] for line in second] == [line["learning_rate"] for line in first]
    x = torch.randn(200, 20)
    for single, stacked in zip(one, all_at_once, strict=True):
        same = stacked.eval()(x).argmax(1) == single.eval()(x).argmax(1)
        assert same.float().mean() >= 0.99


def test_shuffled_genes_train_as_the_genes_in_that_order():
    plain, order = networks(2, 20, torch.float64), random_order(20, 5)
    shuffled = [ShuffledGenes(copy.deepcopy(network), order) for network in plain]
    data = folds_data([40, 40], 20)
    for fold in data:
        fold.values = fold.values.astype(np.float64)
    training = Training("adam", 1e-3, 3, 16)
    train(stack(shuffled, CPU), data, 4, training, CPU)
    for fold, seed in zip(data, (1, 2), strict=True):
        fold.values, fold.shuffles = fold.values[:, order.numpy()], torch.Generator().manual_seed(seed)
    train(stack(plain, CPU), data, 4, training, CPU)
    x = torch.randn(9, 20, dtype=torch.float64)
    for control, network in zip(shuffled, plain, strict=True):
        torch.testing.assert_close(control.eval()(x), network.eval()(x[:, order]))


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_optimisers_equal_torch_s_with_a_rate_for_each_fold(kind, decay, folds):
    torch.manual_seed(3)
    start = torch.randn(folds, 4, 5, dtype=torch.float64)
    rates = torch.tensor([1e-2, 3e-2, 5e-3], dtype=torch.float64)[:folds]
    ours = start.clone().requires_grad_()
    optimiser = StackOptimiser(kind, [{"params": [ours], "weight_decay": decay}], folds)
    theirs = [part.clone().requires_grad_() for part in start]
    made = {"adamax": torch.optim.Adamax, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    peers = [made([part], lr=float(rate), weight_decay=decay) for part, rate in zip(theirs, rates, strict=True)]
    for step in range(20):
        active = torch.tensor([True, step % 3 != 0, True])[:folds]  # the second fold rests now and then
        gradients = torch.randn_like(start)
        ours.grad = gradients.clone()
        optimiser.step(rates, active)
        for part, peer, gradient, acts in zip(theirs, peers, gradients, active, strict=True):
            part.grad = gradient.clone()
            if acts:
                peer.step()
    for part, values in zip(theirs, ours, strict=True):
        torch.testing.assert_close(values, part, rtol=1e-12, atol=1e-12)


def test_the_plateau_equals_torch_s():
    losses = np.concatenate([np.linspace(1, 0.5, 9), np.full(30, 0.5), [0.49999, 0.4], np.full(40, 0.6)])
    ours = build_schedule("plateau", 0.1, np.array([100]))
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=10)
    for loss in losses:
        ours.after_epoch(np.array([loss]))
        theirs.step(loss)
        assert ours.rates[0] == pytest.approx(optimiser.param_groups[0]["lr"])
    assert ours.rates[0] < 0.1


@pytest.mark.parametrize("steps", [25, 57, 300])
def test_the_one_cycle_equals_torch_s(steps):
    ours = build_schedule("one-cycle", 1e-2, np.array([steps]))
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1e-2, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    for step in range(1, steps):
        assert ours.rates[0] == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        theirs.step()
        ours.after_step(step)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_fold_losses_equal_torch_s_cross_entropy(smoothing, weighted):
    torch.manual_seed(6)
    logits, targets = torch.randn(2, 9, 4), torch.randint(4, (2, 9))
    present = torch.ones(2, 9)
    present[1, 5:] = 0
    weights = torch.rand(2, 4) + 0.5 if weighted else None
    found = fold_losses(logits, targets, present, smoothing, weights)
    for fold, number in enumerate((9, 5)):
        expected = functional.cross_entropy(
            logits[fold, :number],
            targets[fold, :number],
            weight=None if weights is None else weights[fold],
            label_smoothing=smoothing,
        )
        torch.testing.assert_close(found[fold], expected)


def test_balanced_weights_equal_scikit_learn_s():
    from sklearn.utils.class_weight import compute_class_weight

    targets = np.array([0, 0, 0, 2, 2, 3])
    expected = compute_class_weight("balanced", classes=np.array([0, 2, 3]), y=targets)
    np.testing.assert_allclose(balanced_weights(targets, 5), [expected[0], 0, expected[1], expected[2], 0])


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_dropout_masks_keep_their_share_and_the_mean(dropout):
    torch.manual_seed(7)
    keep = _keep(torch.empty(3, 100_001), dropout)
    assert set(np.unique(keep.numpy())) == {np.float32(0), np.float32(1 / (1 - dropout))}
    assert float((keep > 0).float().mean()) == pytest.approx(1 - dropout, abs=4e-3)
    neighbours = np.corrcoef(keep[0, :-1], keep[0, 1:])[0, 1]
    assert abs(neighbours) < 0.015
    assert _keep(torch.empty(3), 0.0) is None
