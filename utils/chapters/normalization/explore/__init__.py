"""Explorables of chapter 04: who is averaged, layer norm's way back, the scale of weights, training against evaluation."""

from utils.chapters.normalization.explore.running_statistics import train_against_eval
from utils.chapters.normalization.explore.taken_apart import norm_backward
from utils.chapters.normalization.explore.weight_scale import scale
from utils.chapters.normalization.explore.who_is_averaged import groups

__all__ = ["groups", "norm_backward", "scale", "train_against_eval"]
