"""The search over Configs: while it fails, tune and train again."""
