"""Random contrast, brightness and colour cast, each image its own, drawn once."""

from torch import Tensor


def jitter(x: Tensor, strength: float, chance: Tensor) -> Tensor:
    """Change normalised images (N, C, ...) in place: x_c = 4^(s u) x_c + s (2 v + w_c).

    s is `strength`; u, v and, where there are several channels, every w_c are uniform in [-1, 1):
    the columns of `chance` (N, 2 + C), float64. At s = 1 the contrast is between a quarter and
    four times the image's own, and brightness moves by up to two standard deviations of all.
    """
    contrast, shift = chance[:, :1], 2 * chance[:, 1:2]
    if x.shape[1] > 1:
        shift = shift + chance[:, 2:]
    place = (len(x), -1, *[1] * (x.dim() - 2))
    scale = 4 ** (strength * contrast)
    return x.mul_(scale.float().view(place)).add_((strength * shift).float().view(place))
