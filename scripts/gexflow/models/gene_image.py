"""GeneImage: the first layer of an image network, from gene values to its input image, exactly."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class GeneImage(nn.Module):
    """Scatter genes to pixels, resize, copy to three channels and apply the network's own input normalisation.

    The image is never an 8-bit file: values keep their precision, and gradients reach the genes. Pixels without a gene
    are black (0).

    Parameters
    ----------
    rows, columns : sequence of int
        Pixel of each gene, in the order of the features; no pixel twice.
    size : (int, int)
        Height and width of the layout.
    resize : int or None
        Side of the image that the network sees, by nearest neighbour as published; None keeps the layout's size.
    mean, deviation : sequence of 3 float
        The network's input normalisation.
    """

    def __init__(
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        size: tuple[int, int],
        resize: int | None,
        mean: Sequence[float],
        deviation: Sequence[float],
    ):
        super().__init__()
        self.size = size
        self.resize = resize
        pixels = (torch.as_tensor(list(rows)) * size[1] + torch.as_tensor(list(columns))).long()
        genes = torch.full((size[0] * size[1],), len(pixels))
        genes[pixels] = torch.arange(len(pixels))
        self.register_buffer("pixels", pixels, persistent=False)
        self.register_buffer("genes", genes, persistent=False)  # of each pixel; one past the last where there is none
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes), about 0..1, to images (samples, 3, height, width)."""
        with_black = nn.functional.pad(x, (0, 1))
        # gathered pixel by pixel: a fraction of the time of writing gene by gene, or of index_select
        image = with_black.gather(1, self.genes.expand(len(x), -1)).view(len(x), 1, *self.size)
        if self.resize is not None and (self.resize, self.resize) != tuple(self.size):
            image = nn.functional.interpolate(image, size=(self.resize, self.resize), mode="nearest")
        return (image - self.mean).div_(self.deviation)  # memory for the images once more would cost more than the sums
