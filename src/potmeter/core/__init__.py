"""What every system stands on: its base class, training, checkpoints, loading."""
