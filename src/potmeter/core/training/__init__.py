"""The one training loop, by steps or by the clock: minibatches, validation, checkpoints, resuming, many processes."""
