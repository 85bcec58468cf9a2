"""File formats that carry data, read without trusting them."""
