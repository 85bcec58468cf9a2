"""Hyper-parameter search over Configs, with Optuna."""
