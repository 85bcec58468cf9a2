"""A folder for a Hugging Face Space."""
