"""Arrays in, pictures out: `matplotlib.figure.Figure` objects on white, never pyplot, no global state."""

from cnnexp.figures.confusion import confusion_matrix, per_class
from cnnexp.figures.curves import learning_curves
from cnnexp.figures.digits import sample_digits, surest_mistakes
from cnnexp.figures.filters import filters_before_after
from cnnexp.figures.maps import feature_map_image, feature_maps
from cnnexp.figures.render import figure_rgb, png_bytes
from cnnexp.figures.scales import shared_limits

__all__ = [
    "confusion_matrix",
    "feature_map_image",
    "feature_maps",
    "figure_rgb",
    "filters_before_after",
    "learning_curves",
    "per_class",
    "png_bytes",
    "sample_digits",
    "shared_limits",
    "surest_mistakes",
]
