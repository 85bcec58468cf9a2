"""Make the index by which the training faces nearest to generated ones are found without drawing all of them.

python tools/index_faces.py     writes systems/generative/faces_index.safetensors, 0.3 MB
"""

from __future__ import annotations

import torch
from safetensors.torch import save_file

from potmeter.data.batches import in_batches
from potmeter.data.sets.faces import faces
from potmeter.systems.generative.neighbours import INDEX, thumbnails

COMPONENTS = 24
"""Principal components of a thumbnail that are kept, a byte each."""


def main() -> None:
    """Principal components of the training faces' thumbnails, and every face's place along each as a byte."""
    x = torch.cat([thumbnails(batch["image"]) for batch in in_batches(faces(64).train, 1000)])
    mean = x.mean(0)
    components = torch.linalg.eigh((x - mean).T.cov()).eigenvectors[:, -COMPONENTS:]  # (768, 24)
    codes = (x - mean) @ components
    step = codes.abs().amax(0) / 127
    index = {
        "mean": mean.half(),
        "components": components.half(),
        "step": step,
        "codes": (codes / step).round().to(torch.int8),
    }
    save_file({name: tensor.contiguous() for name, tensor in index.items()}, INDEX)


if __name__ == "__main__":
    main()
