"""The programs in PyTorch that the step times are compared with."""

import pytest

from zoo.recipes.recipe import PRECISIONS


@pytest.fixture
def loops():
    pytest.importorskip("torch")
    from benchmarks import pytorch_loops

    return pytorch_loops


@pytest.mark.parametrize(
    "method", ["baseline", "at_l2", "at_pgd", "trades", "vat", "vmt_all", "smoothness", "jacobian_1"]
)
@pytest.mark.parametrize("precision", PRECISIONS[:2])
def test_pytorch_trains_channels_last(loops, method, precision):
    import torch

    _, images, _ = loops.put("conv_small", 2, "cpu")
    assert images.is_contiguous(memory_format=torch.channels_last)
    loops.trainer("conv_small", method, 2, on_cpu=True, precision=precision)(1)


@pytest.mark.parametrize("method", ["baseline", "ladder_gamma", "ladder_adversarial"])
def test_pytorch_trains_ladders_in_bfloat16(loops, method):
    loops.trainer("ladder", method, 2, on_cpu=True, precision="mixed_bfloat16")(1)
