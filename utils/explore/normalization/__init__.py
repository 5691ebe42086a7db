"""Explorables of chapter 04: who is averaged, layer norm's way back, the scale of weights, training against evaluation."""

from utils.explore.normalization.running_statistics import train_against_eval
from utils.explore.normalization.taken_apart import norm_backward
from utils.explore.normalization.weight_scale import scale
from utils.explore.normalization.who_is_averaged import groups

__all__ = ["groups", "norm_backward", "scale", "train_against_eval"]
