"""Every mistake a user can make ends in one line that names the thing; nothing is left behind.

A row is a name, the words after ``potmeter``, and what the message says, or WORKS. In the words, {here} is a folder
with the files made below, {line} an ejected system, and {weights} weights of it. Later systems add their rows.
"""

import json
import os
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import soundfile

from fixtures.line import Config, Line
from potmeter import registry
from potmeter.cli import execute
from potmeter.data.sets.mannequins import mannequins
from potmeter.media import Audio, Image, Video

WORKS = None

ROWS = [
    # the verb
    ("no verb", "", WORKS),
    ("help", "--help", WORKS),
    ("version", "--version", WORKS),
    ("unknown verb", "rnu", "The verbs are .*Did you mean run"),
    ("a flag as verb", "--jsn", "The verbs are"),
    ("list takes nothing", "list all", "potmeter list takes --json"),
    ("list help", "list --help", WORKS),
    # the system
    ("no system", "run", "needs the name of a system"),
    ("no system but flags", "train --steps 3", "needs the name of a system"),
    ("help without a system", "run --help", WORKS),
    ("misspelt system", "run clasifier", "Did you mean classifier"),
    ("unknown system", "show qqqq", "no system of that name"),
    ("empty system", "run ''", "no system of that name"),
    ("long system", f"show {'x' * 5000}", "no system of that name"),
    ("unknown tag", "run vae.nothing", "vae has weights"),
    ("unknown task", "run {line}:fly", "line can run, curve"),
    ("damaged folder", "run {here}/damaged", "system.json cannot be read"),
    ("show two", "show vae classifier", "takes the name of one system"),
    ("show flag", "show vae --colour", "potmeter show takes --json and --layers"),
    ("show nothing", "show", "takes the name of one system"),
    # flags of run
    ("misspelt tag as weights", "run vae --weights digitts", "no weights of vae there; shipped are digits, plane"),
    ("it works", "run {line} --weights {weights} 0.5", WORKS),
    ("help of a system", "run {line} --help", WORKS),
    ("not a number", "run {line} --weights {weights} half", "x takes a number. Received: .*half"),
    ("out of range", "run {line} --weights {weights} 2", "x must lie between -1 and 1"),
    ("nan", "run {line} --weights {weights} nan", "x must be finite"),
    ("too many inputs", "run {line} --weights {weights} 0.5 0.7", "takes no further input: 0.7 is too much"),
    ("unknown flag", "run {line} --weights {weights} --colour red", "There is no flag --colour. `potmeter run .* --help`"),
    ("misspelt flag", "train {line} --stpes=3", "There is no flag --stpes. Did you mean --steps"),
    ("a flag without its value", "run {line} --weights", "--weights needs a value"),
    ("a task's flag out of range", "run {line}:curve --weights {weights} --points 1", "points must lie between 2 and 1000"),
    ("a whole number as a fraction", "run {line}:curve --weights {weights} --points 2.5", "--points takes a whole number"),
    ("seed of text", "run {line} --weights {weights} --seed abc", "--seed takes a whole number"),
    ("negative seed", "run {line} --weights {weights} --seed -1", "seed must not be negative"),
    ("huge seed", f"run {{line}} --weights {{weights}} --seed {2**70}", "seed"),
    ("unknown device", "run {line} --weights {weights} --device gpu", "device is auto, cpu"),
    ("absent device", "run {line} --weights {weights} --device cuda:77", "no such device"),
    ("out in a file", "run {line}:curve --weights {weights} --out {here}/text.txt/x.png", "is no folder"),
    ("out of unknown kind", "run {line}:curve --weights {weights} --out {here}/x.xyz", "saved as .png"),
    # weights
    ("no weights", "run {line}", "line has no weights yet"),
    ("missing weights", "run {line} --weights {here}/missing", "no weights of line"),
    ("weights in an empty folder", "run {line} --weights {here}/empty", "neither weights nor checkpoints"),
    ("weights of text", "run {line} --weights {here}/text.txt", "no weights of line"),
    ("weights of a long name", f"run {{line}} --weights {'x' * 5000}", "no weights of line"),
    ("damaged weights", "run {line} --weights {here}/damaged", "config.json cannot be read|neither weights"),
    # train and eval
    ("train works", "train {line} --preset tiny --steps 2 --out {here}/run --device cpu", WORKS),
    ("unknown preset", "train {line} --preset huge", "presets tiny, lecture, paper"),
    ("preset without a value", "train {line} --preset", "--preset needs a value"),
    ("steps of text", "train {line} --steps many", "--steps takes a whole number"),
    ("a choice there is not", "train {line} --schedule square", "--schedule is one of constant, "),
    ("no steps", "train {line} --steps 0", "steps must lie between"),
    ("negative steps", "train {line} --steps -5", "steps must lie between"),
    ("budget of text", "train {line} --budget soon", "A budget is a time"),
    ("a zero budget", "train {line} --budget 0s", "A budget is a time"),
    ("negative width", "train {line} --width -3 --steps 1", "width must be at least 1"),
    ("zero batch", "train {line} --batch-size 0 --steps 1", "batch_size must be at least 1"),
    ("lr nan", "train {line} --lr nan --steps 1", "lr must be finite"),
    ("unknown schedule", "train {line} --schedule stairs --steps 1", "stairs"),
    ("data flag out of range", "train {line} --points 3 --steps 1", "points must lie between 10"),
    ("from nowhere", "train {line} --from {here}/missing --steps 1", "no weights of line"),
    ("out is a file", "train {line} --preset tiny --steps 1 --out {here}/text.txt", "is no folder"),
    ("out holds a run", "train {line} --preset tiny --steps 1 --out {here}/used", "holds a run: --resume"),
    ("resume of another config", "train {line} --preset tiny --width 8 --steps 9 --out {here}/used --resume", "was trained with"),
    ("train on an unknown device", "train {line} --steps 1 --device tpu", "device is auto"),
    ("eval works", "eval {line} --weights {weights} --json", WORKS),
    ("eval without weights", "eval {line}", "line has no weights yet"),
    ("eval unknown flag", "eval {line} --weights {weights} --fast", "--fast"),
    # probes
    ("attack an unknown model", "run attack {here}/black.png --model nonsense", "no system of that name"),
    ("attack what is no classifier", "run attack {here}/black.png --model vae.digits", "attack works on an Attackable; vae is none"),
    ("attack a missing picture", "run attack {here}/missing.png --model classifier.digits", "missing.png"),
    ("attack an unknown class", "run attack {here}/black.png --model classifier.digits --target seven", "no class of that name"),
    ("attack with too much", "run attack {here}/black.png --model classifier.digits --eps 2", "eps must lie between 0 and 1"),
    ("attack by magic", "run attack {here}/black.png --model classifier.digits --method magic", "magic"),
    ("attack in no steps", "run attack {here}/black.png --model classifier.digits --steps 0", "steps must lie between"),
    ("attack on an unknown device", "run attack {here}/black.png --model classifier.digits --device tpu", "device is auto, cpu"),
    ("an unknown task of the attack", "run attack:defend {here}/black.png", "attack can run, robustness, transfer, universal"),
    ("gallery help", "gallery --help", WORKS),
    ("gallery port", "gallery --port 99999", "port"),
    ("gallery port of text", "gallery --port http", "http"),
    ("gallery host", "gallery --no-browser --host 203.0.113.7", "cannot be had"),
    ("gallery of one system", "gallery vae", "vae"),
    ("space in a file", "gallery --space {here}/text.txt", "new or an empty folder"),
    ("space in a used folder", "gallery --space {here}", "new or an empty folder"),
    # captions
    ("no captions", "train captioner --steps 1 --data {here}/missing", "no file, folder or set of captions"),
    ("captions that are half of a JSON", "train captioner --steps 1 --data {here}/half.json", "half.json is not JSON"),
    ("captions of absent pictures", "train captioner --steps 1 --data {here}/absent.csv", "1 of the 1 pictures.*nowhere.png"),
    ("captions without a word", "train captioner --steps 1 --data {here}/wordless.csv", "no caption with a word"),
    ("captions in columns of other names", "train captioner --steps 1 --data {here}/columns.csv", "columns named file and caption"),
    ("captions of one long line", "train captioner --steps 1 --data {here}/coco/long.json", "has no captions"),
    ("captions of a gigabyte", "train captioner --steps 1 --data {here}/gigabyte.json", "gigabyte.json is too large"),
    ("captions of a picture", "train captioner --steps 1 --data {here}/black.png", "black.png"),
    ("a caption of one pixel", "run captioner {here}/pixel.png", WORKS),
    ("a caption of a line", "run captioner {here}/line.png", WORKS),
    ("a caption to attack with, of unknown words", "run attack {here}/black.png --model captioner.scenes --target 'a quark'", "vocabulary has not all.*Received: quark"),
    ("captions of one picture", "train captioner --steps 1 --data {here}/one.csv", "too few pictures"),
    # sentences to draw
    ("an empty sentence", "run stackgan ''", "at least one word"),
    ("a sentence without a word", "run stackgan '... !'", "at least one word"),
    ("a sentence of unknown words", "run stackgan 'quantum chromodynamics'", "None of these words.*Received: quantum, chromodynamics"),
    ("a sentence of 10,000 characters", f"run stackgan '{'bird ' * 2000}'", "at most 2,000 characters"),
    ("an empty sentence to go to", "run stackgan:morph 'a red bird' ''", "at least one word"),
    ("one word of an empty sentence", "run stackgan:words '' blue", "has not that word"),
    ("a word that is not in the sentence", "run stackgan:words 'a red bird' blue", "has not that word"),
    ("too many pictures of a sentence", "run stackgan 'a red bird' --count 99", "count must lie between"),
    ("sentences of absent pictures", "train stackgan --steps 1 --data {here}/absent.csv", "1 of the 1 pictures.*nowhere.png"),
    ("sentences about one picture", "train stackgan --steps 1 --data {here}/one.csv", "too few pictures"),
    ("pictures without sentences", "train stackgan --steps 1 --data {here}/mixed", "holds no captions"),
    ("sentences in CUB's layout without pictures", "train stackgan --steps 1 --data {here}/cub", "1 of the 1 pictures.*gull.jpg"),
    ("another word than one", "run stackgan:words 'a red bird' red ' , '", "other words are wanted"),
    ("large pictures of another size", "train stackgan --steps 1 --image-size 128", "a quarter of image_size"),
    # text
    ("an empty text", "train word2vec --preset tiny --steps 1 --data {here}/empty.png", "is empty"),
    ("a file as a prompt", "run gpt2 {here}/text.txt", "prompt takes a text, and reads no file"),
    ("a missing file as a prompt", "run gpt2 story.txt", "prompt takes a text, and reads no file"),
    ("a file to translate", "run translator letters.txt", "text takes a text, and reads no file"),
    ("a binary text", "train word2vec --preset tiny --steps 1 --data {here}/black.png", "is not text: it has a null byte"),
    ("no UTF-8", "train word2vec --preset tiny --steps 1 --data {here}/latin.txt", "is not UTF-8 text"),
    ("too short a text", "train word2vec --preset tiny --steps 1 --data {here}/text.txt", "too short|two different words"),
    ("a text of one word", "train word2vec --preset tiny --steps 1 --data {here}/one.txt", "two different words"),
    ("a folder without text", "train word2vec --preset tiny --steps 1 --data {here}/empty", "holds no text file"),
    ("no such text", "train word2vec --preset tiny --steps 1 --data {here}/missing", "no file or folder"),
    ("an unknown word", "run word2vec whalee", "near it are whale"),
    ("an unknown word of an analogy", "run word2vec:analogy man woman qqqqqq", "lacks this one"),
    ("a map of one word", "run word2vec:map whale", "from 3 to 150"),
    ("vectors that promise too much", "run word2vec --weights {here}/huge.bin whale", "too short for"),
    ("eval missing weights", "eval {line} --weights {here}/missing", "no weights of line"),
    # probes
    ("unknown model of a probe", "run featurevis:layers --model clasifier.digits", "Did you mean classifier"),
    ("unknown layer", "run featurevis --model classifier.digits --layer stages.7", "Did you mean stages"),
    ("channel out of range", "run featurevis --model classifier.digits --layer stem --channel 99", "channels 0 to 31"),
    ("a picture too small", "run featurevis --model classifier.digits --size 2", "size must lie between 8"),
    ("unknown category", "run featurevis:category 17 --model classifier.digits", "no class of that name"),
    ("an empty photo folder", "run featurevis:panel --model classifier.digits --data {here}/empty", "no pictures in"),
    ("a broken photo", "run featurevis:panel --model classifier.digits --data {here}/photos", "empty.png is empty"),
    ("a model of a missing file", "run featurevis:layers --model missing.py:f", "no such Python file"),
    # the patch
    ("a patch of no size", "run patch {here}/black.png --model classifier.digits --share 0", "share must lie between 0.01 and 0.75"),
    ("a patch larger than the photo", "run patch {here}/black.png --model classifier.digits --share 1.2", "share must lie between 0.01 and 0.75"),
    ("a misspelt patch", "run patch {here}/black.png --model classifier.digits --patch toster", "Did you mean toaster"),
    ("a broken patch", "run patch {here}/black.png --model classifier.digits --patch {here}/text.txt", "not a picture"),
    ("an empty patch", "run patch {here}/black.png --model classifier.digits --patch {here}/empty.png", "is empty"),
    ("a patch for no class", "run patch:make {here}/black.png --model classifier.digits --target toaster --steps 1", "no class of that name. There are 0, 1"),
    ("a patch without photos", "run patch:make {here}/empty --model classifier.digits --target 8 --steps 1", "holds no file of kind"),
    ("a patch in no steps", "run patch:make {here}/black.png --model classifier.digits --target 8 --steps 0", "steps must lie between"),
    ("a page too large", "run patch:pdf --model classifier.digits --cm 99", "cm must lie between 1 and 28"),
    ("a patch on no classifier", "run patch {here}/black.png --model vae.plane", "works on a Classifier and Attackable; vae is none"),
    # faces and latent spaces
    ("faces in grey", "train vae --dataset faces --image-size 64 --channels 1 --steps 1", "coloured pictures"),
    ("faces of another size", "train vae --dataset faces --image-size 32 --channels 3 --steps 1", "64×64 or 128×128: --image-size 64"),
    ("a picture without attributes", "train vae --preset tiny --steps 1 --data {here}/celeba", "no row for 1 of 1 pictures"),
    ("latents of what is no generator", "run latents --model classifier.digits", "latents works on a Generator; classifier is none"),
    ("a coefficient of nan", "run latents --model vae.plane --high nan", "high must be finite"),
    ("a coefficient too large", "run latents --model vae.plane --low -99", "low must lie between -10 and 10"),
    ("an unknown attribute", "run latents --model vae.plane --data digits --attribute eleven", "no attribute of that name"),
    ("an attribute balanced against itself", "run latents --model vae.plane --data digits --attribute 3 --balance 3", "not balanced against itself"),
    ("attributes that exclude each other", "run latents --model vae.plane --data digits --attribute 3 --balance 5", "with both attributes"),
    ("a vector from nowhere", "run latents --model vae.plane --attribute {here}/missing.json", "cannot be read"),
    ("a folder without a vector", "run latents --model vae.plane --attribute {here}/empty", "cannot be read"),
    ("a latent space that there is not", "run latents:walk --model vae.plane --space w", "space is one of z"),
    ("a classifier that is none", "run latents --model gan.digits --attribute 3 --classifier vae.plane", "vae.plane is no classifier"),
    ("smiles of digits", "eval latents --model vae.plane", "Measured are changes of faces"),
    ("a walk from one picture", "run latents:walk {here}/black.png --model vae.plane", "at least two pictures"),
    ("a grid with a hole", "run latents:grid {here}/black.png --model vae.plane", "takes 12 pictures"),
    ("a broken picture in an analogy", "run latents:analogy {here}/empty.png --model vae.plane", "empty.png is empty"),
    # translator
    ("one file to translate from", "train translator --data {here}/text.txt --steps 1", "name the other one with --target-file"),
    ("aligned files of different length", "train translator --data {here}/rows.en --target-file {here}/text.txt --steps 1", "same number of lines"),
    ("too few pairs", "train translator --data {here}/text.txt --target-file {here}/line.txt --steps 1", "at least 20 pairs"),
    ("a missing side", "train translator --data {here}/rows.en --target-file {here}/missing.hu --steps 1", "missing.hu"),
    ("a binary side", "train translator --data {here}/rows.en --target-file {here}/black.png --steps 1", "is not UTF-8 text"),
    ("pairs too long", "train translator --data {here}/rows.en --target-file {here}/rows.hu --max-length 4 --steps 1", "raise --max-length"),
    ("an unknown architecture", "train translator --architecture rnn --steps 1", "rnn"),
    ("heads of a transformer that do not divide", "train translator --architecture transformer --embedding-dim 30 --steps 1", "twice the 4 heads"),
    ("both directions with two vocabularies", "train translator --target-vocab-size 500 --steps 1", "need one vocabulary"),
    ("nothing to translate", "run translator ''", "no text to translate"),
    ("an unknown direction", "run translator Hello --direction en-de", "direction is one of en-hu, hu-en"),
    ("a beam of nothing", "run translator Hello --beam 0", "beam must lie between 1 and 64"),
    ("more alternatives than hypotheses", "run translator Hello --beam 2 --best 3", "at most 2 alternatives"),
    ("a length penalty of nan", "run translator Hello --length-penalty nan", "length_penalty must be finite"),
    ("scoring against too few references", "run translator:score {here}/rows.en {here}/text.txt", "as many references"),
    ("characters nobody knows", "run translator 'Save 北京 as 🙂.' --best 1", WORKS),
    # gpt2
    ("gpt2 without a text", "train gpt2 --data {here}/missing.txt --steps 1", "missing.txt cannot be read"),
    ("gpt2 on an empty file", "train gpt2 --data {here}/empty.png --steps 1", "is empty"),
    ("gpt2 on a binary file", "train gpt2 --data {here}/huge.bin --steps 1", "is not text: it has null bytes"),
    ("gpt2 on invalid UTF-8", "train gpt2 --data {here}/latin1.txt --steps 1", "is not UTF-8 text"),
    ("gpt2 on a folder without text", "train gpt2 --data {here}/empty --steps 1", "holds no text file"),
    ("gpt2 on a text shorter than its context", "train gpt2 --data {here}/line.txt --steps 1", "too short for a context"),
    ("gpt2 heads that do not divide", "train gpt2 --num-heads 5 --steps 1", "num_heads must divide embedding_dim"),
    ("gpt2 too hot", "run gpt2 --temperature 11", "temperature must lie between"),
    ("gpt2 nucleus of nan", "run gpt2 --top-p nan", "top_p must be finite"),
    ("gpt2 from nothing", "run gpt2 --top-k 0", "top_k must lie between"),
    ("gpt2 weights without a vocabulary", "run gpt2 --weights {here}/wordless", "tokenizer.json cannot be read"),
    ("gpt2 from no UTF-8", "run gpt2 caf\udce9", "prompt is not UTF-8 text"),
    ("gpt2 scoring no UTF-8", "run gpt2:score caf\udce9", "text is not UTF-8 text"),
    ("gpt2 scoring nothing", "run gpt2:score {here}/empty.png", "is empty"),
    # generators
    ("gan of an odd size", "train gan --image-size 30 --steps 1", "image_size must be divisible by 4"),
    ("gan with a batch norm and a penalty", "train gan --norm batch --steps 1", "Batch norm mixes"),
    ("a gan on too few pictures", "train gan --preset tiny --data {here}/few --no-conditional --steps 1", "held out to compare with"),
    ("gan without classes to ask for", "train gan --data {here}/mixed --steps 1", "no picture|class|There are"),
    ("gan with a feature extractor that is none", "train gan --preset tiny --feature-extractor vae.plane --steps 1 --out {here}/../gan-run", "no Embedder"),
    ("a folder of mixed sizes and modes, smaller than a batch", "train gan --preset tiny --data {here}/mixed --no-conditional --steps 1 --out {here}/../gan-mixed --device cpu", WORKS),
    ("stylegan of a size that cannot be halved", "train stylegan --preset tiny --height 30 --steps 1", "height must be divisible by 4"),
    ("stylegan on faces of another size", "train stylegan --preset lecture --height 32 --width 32 --steps 1", "64×64 or 128×128"),
    ("stylegan on an empty folder", "train stylegan --preset tiny --data {here}/empty --steps 1", "There are no pictures"),
    ("stylegan of a level that there is not", "train stylegan --preset tiny --first-level 5 --steps 1", "first_level must lie between 0 and 2"),
    ("stylegan weights of text", "run stylegan --weights {here}/text.txt", "no file of tensors"),
    ("gpt2 writes", "run gpt2 It --tokens 3 --seed 0", WORKS),
    # what a picture's file may hold
    ("a picture that is cut off", "run classifier.digits {here}/cut.png", "broken picture"),
    ("a picture of nothing", "run classifier.digits {here}/empty.png", "is empty"),
    ("a text called a picture", "run classifier.digits {here}/text.png", "not a picture of a known format"),
    ("16 bits", "run classifier.digits {here}/modes/deep.png", WORKS),
    ("CMYK", "run classifier.digits {here}/modes/cmyk.jpg", WORKS),
    ("transparency", "run classifier.digits {here}/modes/alpha.png", WORKS),
    ("an animation", "run classifier.digits {here}/modes/moving.gif", WORKS),
    ("one class", "train classifier --preset tiny --data {here}/celebrities --steps 1", "only one class folder"),
    ("no classes", "train classifier --preset tiny --data {here}/empty --steps 1", "no class folders"),
    ("two pictures of each class", "train classifier --preset tiny --data {here}/pairs --steps 1", "too few data to hold some back"),
    ("a picture that breaks in training", "train classifier --preset tiny --data {here}/breaking --steps 1", "broken picture"),
    # the detector
    ("things of no file", "train maskrcnn --preset tiny --data {here}/missing --steps 1", "no file or folder"),
    ("things in no JSON", "train maskrcnn --preset tiny --data {here}/text.txt --steps 1", "is not JSON"),
    ("half of the things", "train maskrcnn --preset tiny --data {here}/half.json --steps 1", "is not JSON"),
    ("things with nan", "train maskrcnn --preset tiny --data {here}/coco/nan.json --steps 1", "must be finite"),
    ("things of one long line", "train maskrcnn --preset tiny --data {here}/coco/long.json --steps 1", "lists no images"),
    ("things of a gigabyte", "train maskrcnn --preset tiny --data {here}/gigabyte.json --steps 1", "larger than 512 MiB"),
    ("things at a number beyond all", "train maskrcnn --preset tiny --data {here}/many/beyond.json --steps 1", "beyond.json: annotation 0: .*must be finite"),
    ("run lengths of a picture said to be huge", "train maskrcnn --preset tiny --data {here}/many/vast.json --steps 1", "as large as vast.json says, 90000 × 90000"),
    ("half of labelme's file", "train maskrcnn --preset tiny --data {here}/labelme --steps 1", "half.json is not JSON"),
    ("things in absent pictures", "train maskrcnn --preset tiny --data {here}/coco/absent.json --steps 1", "None of the 1 images"),
    ("a folder without things", "train maskrcnn --preset tiny --data {here}/pairs --steps 1", "needs COCO's JSON, or labelme's"),
    ("things in a picture of another size", "train maskrcnn --preset tiny --data {here}/coco/size.json --steps 1", "must be as large as"),
    ("things of two points", "train maskrcnn --preset tiny --data {here}/coco/two.json --steps 1", "too few"),
    ("things beyond the picture", "train maskrcnn --preset tiny --data {here}/many/outside.json --steps 1", WORKS),
    ("sizes of anchors for two levels", "train maskrcnn --preset tiny --anchor-sizes 8 16 --steps 1", "for each of five levels"),
    ("detector weights of text", "run maskrcnn {here}/black.png --weights {here}/text.txt", "no file of tensors"),
    ("a class that is never found", "run maskrcnn:cutout {here}/black.png --what hat", "what is one of bird, mammal"),
    ("too sure", "run maskrcnn {here}/black.png --score 2", "score must lie between 0.05 and 1"),
    ("things as a sound", "run maskrcnn {here}/black.png --out {here}/x.wav", "saved as .png, .jpg, .webp or .json"),
    ("a picture with nothing in it", "run maskrcnn {here}/black.png", WORKS),
    ("a picture of one pixel", "run maskrcnn {here}/pixel.png", WORKS),
    ("a thing cut by the edge", "run maskrcnn {here}/edge.png", WORKS),
    ("a picture of a line", "run maskrcnn {here}/line.png", WORKS),
    ("an attack on nothing", "run attack {here}/black.png --model maskrcnn.cutouts", "Nothing is found in the picture"),
    # densepose
    ("people in no folder", "train densepose --preset tiny --data {here}/missing --steps 1", "There is no folder"),
    ("people without surfaces", "train densepose --preset tiny --data {here}/pairs --steps 1", "needs NAME_IUV.png beside its pictures"),
    ("a surface of another size", "train densepose --preset tiny --data {here}/surfaces --steps 1", "must be as large as its picture, 40 × 32"),
    ("a part that there is not", "train densepose --preset tiny --data {here}/parts --steps 1", "has a part that there is not: they go to 24. Received: 200"),
    ("a file of people", "train densepose --preset tiny --data {here}/text.txt --steps 1", "There is no folder"),
    ("anchors for two levels of five", "train densepose --preset tiny --anchor-sizes 8 16 --steps 1", "for each of 5 levels"),
    ("a texture that is no atlas", "run densepose:dress {here}/black.png --texture {here}/line.png", "square charts in four columns of six"),
    ("a texture of text", "run densepose:dress {here}/black.png --texture {here}/text.png", "not a picture of a known format"),
    ("a pattern that there is not", "run densepose:dress {here}/black.png --pattern tartan", "pattern"),
    ("a film of text", "run densepose:film {here}/text.png", "not a video of a known format"),
    ("charts of no size", "run densepose:atlas {here}/black.png --side 2", "side must lie between 8 and 512"),
    ("too sure of people", "run densepose {here}/black.png --score 2", "score must lie between 0.05 and 1"),
    ("a picture of no people", "run densepose {here}/black.png", WORKS),
    ("a person of one pixel", "run densepose {here}/pixel.png", WORKS),
    ("a person of a line", "run densepose:dress {here}/line.png", WORKS),
    ("a person cut by the picture's edge", "run densepose {here}/cut-person.png", WORKS),
    ("an atlas of nobody", "run densepose:atlas {here}/black.png", WORKS),
    # games
    ("a komi of nan", "train alphazero --komi nan --steps 1", "komi must be finite"),
    ("a komi of a third", "train alphazero --komi 0.3 --steps 1", "komi is a multiple of one half"),
    ("a board of one point", "train alphazero --size 1 --steps 1", "size must lie between 2 and 19"),
    ("a board of 100 × 100", "train alphazero --size 100 --steps 1", "size must lie between 2 and 19"),
    ("a move that there is not", "run alphazero.go5 --moves Z99", "Moves are named like A5 and E5, or pass"),
    ("a move onto a stone", "run alphazero.go5 --moves 'C3 C3'", "Move 2 is against the rules"),
    ("a move after the end", "run alphazero.go5 --moves 'pass pass C3'", "Move 3 is against the rules"),
    ("advice after the end", "run alphazero.go5 --moves 'pass pass'", "The game is over"),
    ("half a record", "run alphazero.go5 {here}/games/half.sgf", "is cut off"),
    ("a record of 10 MB", "run alphazero.go5 {here}/games/huge.sgf", "too long for the record of a game"),
    ("a record of another size", "run alphazero.go5 {here}/games/nine.sgf", "These weights play on 5 × 5"),
    ("a record of 100 × 100", "run alphazero.go5 {here}/games/hundred.sgf", "no square board of 1 to 25 lines"),
    ("a record of one point", "run alphazero:planes --weights go5 {here}/games/one.sgf", "These weights play on 5 × 5"),
    ("a record against the rules", "run alphazero.go5 {here}/games/illegal.sgf", "Move 2 is against the rules"),
    ("a record for another game", "run alphazero.tictactoe {here}/games/handicap.sgf", "Records are read of Go only"),
    ("a record with handicap", "run alphazero.go5 {here}/games/handicap.sgf --playouts 4", WORKS),
    ("a picture as a record", "run alphazero.go5 {here}/black.png", "black.png"),
    ("a network for another size", "run alphazero.go5:play --opponent go7", "Those weights play go 7 × 7"),
    ("a program that there is not", "run alphazero.go5:match no-such-program", "The program cannot be started"),
    ("a match of no games", "run alphazero.go5:match --games 0", "games must lie between 2 and 400"),
    ("GTP of tic-tac-toe", "gtp alphazero.tictactoe", "GTP is a protocol for Go"),
    ("GTP of what plays nothing", "gtp vae.plane", "does not speak GTP"),
    ("GTP in no playouts", "gtp alphazero.go5 --playouts 1", "playouts must lie between 2"),
    # sumo
    ("a fighter that there is not", "run sumo --opponent v99", "opponent"),
    ("more bouts than anybody watches", "run sumo --bouts 10", "bouts must lie between 1 and 9"),
    ("an odd number of bouts", "train sumo --preset tiny --num-envs 33 --steps 1", "num_envs must be divisible by 2"),
    ("a ring of no size", "train sumo --preset tiny --radius 0 --steps 1", "radius must lie between 0.6 and 5"),
    ("a minibatch larger than a rollout", "train sumo --preset tiny --batch-size 100000 --steps 1", "batch_size must not exceed the 1,024 steps"),
    # the segmenter
    ("a folder without masks", "train segmenter --preset tiny --data {here}/pairs --steps 1", "needs a folder images and a folder masks"),
    ("a mask of another size", "train segmenter --preset tiny --data {here}/masked --steps 1", "must be as large as its picture, 40 × 32"),
    ("a mask value without a class", "train segmenter --preset tiny --data {here}/valued --steps 1", "has a value without a class: there are 2"),
    ("outlines of two points", "train segmenter --preset tiny --data {here}/coco/two.json --steps 1", "too few"),
    ("outlines beyond the picture", "train segmenter --preset tiny --data {here}/many/outside.json --steps 1", WORKS),
    ("an outline that is one number short", "train segmenter --preset tiny --data {here}/many/odd.json --steps 1", "as many x as y"),
    ("a picture of one pixel with nobody", "run segmenter {here}/pixel.png", WORKS),
    ("a picture of a line with nobody", "run segmenter {here}/line.png", WORKS),
    ("a person cut by the edge", "run segmenter {here}/edge.png", WORKS),
    ("annotations that are no JSON", "train segmenter --preset tiny --data {here}/text.txt --steps 1", "is not JSON"),
    ("half of the annotations", "train segmenter --preset tiny --data {here}/half.json --steps 1", "is not JSON"),
    ("annotations with nan", "train segmenter --preset tiny --data {here}/coco/nan.json --steps 1", "must be finite"),
    ("annotations of one long line", "train segmenter --preset tiny --data {here}/coco/long.json --steps 1", "lists no images"),
    ("annotations of a gigabyte", "train segmenter --preset tiny --data {here}/gigabyte.json --steps 1", "larger than 512 MiB"),
    ("outlines at a number beyond all", "train segmenter --preset tiny --data {here}/many/beyond.json --steps 1", "beyond.json: annotation 0: .*must be finite"),
    ("an outline of a picture said to be huge", "train segmenter --preset tiny --data {here}/many/vast.json --steps 1", "as large as the annotations say, 90000 × 90000"),
    ("masks of absent pictures", "train segmenter --preset tiny --data {here}/coco/absent.json --steps 1", "None of the 1 images"),
    ("no data of that name", "train segmenter --preset tiny --data {here}/missing --steps 1", "There is no folder"),
    ("a u-net whose widths do not double", "train segmenter --preset tiny --widths 8 12 --steps 1", "twice the one before"),
    ("avatars of another size", "train segmenter --image-size 64 --steps 1", "avatars has coloured pictures of 128×128: --image-size 128"),
    ("segmenter weights of text", "run segmenter {here}/black.png --weights {here}/text.txt", "no file of tensors"),
    ("hair of no colour", "run segmenter:recolour {here}/black.png --colour blonde-ish", "A colour is a name"),
    ("a class that there is not", "run segmenter:cutout {here}/black.png --what hat", "what is one of hair, skin, clothes, everything"),
    ("a look too close", "run segmenter {here}/black.png --size 5000", "size must lie between 0 and 1024"),
    ("a cut-out as JPEG", "run segmenter:cutout {here}/black.png --out {here}/x.jpg", "saved as .png or .webp"),
    ("a picture of nobody", "run segmenter {here}/black.png", WORKS),
    # wavenet
    ("a hundredth of a second", "run wavenet {here}/sounds/short.wav", WORKS),
    ("silence", "run wavenet {here}/sounds/silent.wav --seconds 0.2", WORKS),
    ("two channels, 96 kHz, 24 bits", "run wavenet:bits {here}/sounds/deep.wav", WORKS),
    ("two hours of sound", "run wavenet {here}/voice/long.wav --seconds 0.2", WORKS),
    ("silence in bits", "run wavenet:bits {here}/sounds/silent.wav", WORKS),
    ("a hundredth of a second spoken anew", "run wavenet:resynthesise {here}/sounds/short.wav --out {here}/../anew", WORKS),
    ("a text called a sound", "run wavenet {here}/sounds/text.wav", "not a sound of a known format"),
    ("a sound of nothing", "run wavenet {here}/sounds/empty.wav", "is empty"),
    ("a picture as a sound", "run wavenet {here}/black.png", "not a sound of a known format"),
    ("more than an hour", "run wavenet --seconds 4000", "seconds must lie between 0.05 and 3600"),
    ("no temperature", "run wavenet --temperature 0", "temperature must lie between 0.01 and 2"),
    ("a speaker of weights that know one", "run wavenet --speaker ann", "speaker"),
    ("a sound saved as a picture", "run wavenet {here}/sounds/short.wav --out {here}/x.png", "saved as .wav, .flac, .ogg or .mp3"),
    ("training on silence", "train wavenet --preset tiny --data {here}/quiet --steps 1", "All sounds are silent"),
    ("training on a text called a sound", "train wavenet --preset tiny --data {here}/sounds/text.wav --steps 1", "not a sound of a known format"),
    ("training on a folder without sounds", "train wavenet --preset tiny --data {here}/empty --steps 1", "There are no sounds"),
    ("speakers of data that has none", "train wavenet --preset tiny --by-speaker --steps 1", "a folder for each speaker"),
    ("a hop that is no multiple of four", "train wavenet --preset tiny --hop-length 66 --steps 1", "multiple of 4"),
    # style transfer
    ("a style that is a text", "train styletransfer --preset tiny --style {here}/text.png --steps 1", "not a picture of a known format"),
    ("a style that there is not", "train styletransfer --preset tiny --style {here}/none.png --steps 1", "cannot be read"),
    ("a style too small to be looked at", "train styletransfer --preset tiny --style {here}/pixel.png --steps 1", "shorter side is at least 2 pixels"),
    ("a thin style", "run styletransfer:gatys {here}/black.png {here}/thin.png", "shorter side is at least 8 pixels"),
    ("an unknown painting", "train styletransfer --preset tiny --painting mona-lisa --steps 1", "The paintings are starry-night"),
    ("an own painting that is not named", "train styletransfer --preset tiny --painting 'own painting' --steps 1", "name it with --style"),
    ("photographs in an empty folder", "train styletransfer --preset tiny --data {here}/empty --steps 1", "There are no pictures"),
    ("one photograph", "train styletransfer --preset tiny --data {here}/few --steps 1", "too few data to hold some back"),
    ("pieces larger than photographs", "train styletransfer --preset tiny --image-size 100 --steps 1", "image_size is at most photo_size"),
    ("too strong", "run styletransfer {here}/black.png --strength 2", "strength must lie between 0 and 1"),
    ("a text as a film", "run styletransfer:video {here}/text.png", "not a video of a known format"),
    ("half a film to paint", "run styletransfer:video {here}/half.mp4", "not a video of a known format"),
    ("a film to paint without pictures", "run styletransfer:video {here}/sound.mp4", "has no moving pictures"),
    ("a film to paint of one frame", "run styletransfer:video {here}/one-frame.mp4", WORKS),
    ("a film in a picture that moves", "run styletransfer:video {here}/modes/moving.gif", WORKS),
    ("half a photograph", "run styletransfer {here}/cut.png", "is a broken picture"),
    ("photographs of all modes", "run styletransfer:folder {here}/modes", WORKS),
    ("a photograph of 8000 × 8000", "run styletransfer {here}/vast.png --size 64", WORKS),
    ("a folder as a style", "run styletransfer:gatys {here}/black.png {here}/empty", "is a folder, not a file"),
    ("an album as a picture", "run styletransfer:folder {here}/black.png --out {here}/x.png", "saved as .zip"),
    ("a folder without photographs", "run styletransfer:folder {here}/empty", "holds no file of kind"),
    ("too small to optimise", "run styletransfer:gatys {here}/black.png --size 8", "size must lie between 32 and 1024"),
    ("style weights of text", "run styletransfer {here}/black.png --weights {here}/text.txt", "no file of tensors"),
    ("a photograph of 8 pixels", "run styletransfer {here}/black.png", WORKS),
    # unpaired translation
    ("a style in an empty folder", "train unit --preset tiny --data {here}/mixed --target {here}/empty --steps 1", "There are no pictures"),
    ("a style of one picture", "train unit --preset tiny --data {here}/mixed --target {here}/few --steps 1", "too few pictures"),
    ("a style in a folder that there is not", "train unit --preset tiny --data {here}/mixed --target {here}/none --steps 1", "There is no folder"),
    ("the same folder twice", "train unit --preset tiny --data {here}/mixed --target {here}/mixed --steps 1", "same folder"),
    ("a second style without a first", "train unit --preset tiny --target {here}/darker --steps 1", "that of the first is --data"),
    ("half a CycleGAN to train", "train unit --preset tiny --one-way --steps 1", "Both ways are trained"),
    ("one folder for two styles", "train unit --preset tiny --data {here}/mixed --steps 1", "--data FIRST --target SECOND"),
    ("styles of all sizes and modes", "train unit --preset tiny --data {here}/mixed --target {here}/darker --steps 1 --out {here}/../unit-run", WORKS),
    ("emoji of another size", "train unit --preset lecture --load-size 32 --image-size 32 --steps 1", "64×64"),
    ("pieces larger than pictures", "train unit --preset tiny --image-size 64 --steps 1", "image_size is at most load_size"),
    ("a style that is none of the two", "run unit {here}/black.png --to cubist", "to is one of flat, 3d"),
    ("a picture that moves", "run unit {here}/modes/moving.gif", WORKS),
    ("an emoji of one pixel", "run unit {here}/pixel.png", WORKS),
    ("a picture of 8000 × 8000", "run unit {here}/vast.png --size 64", WORKS),
    ("translation in no steps", "run unit:between {here}/black.png {here}/pixel.png --steps 1", "steps must lie between 2 and 40"),
    ("a folder without pictures", "run unit:folder {here}/empty", "holds no file of kind"),
    ("a generator's file of text", "run unit {here}/black.png --weights {here}/text.txt", "no file of tensors"),
    # speech
    ("no speech of that name", "train tacotron2 --steps 1 --data {here}/missing", "no folder with a metadata.csv"),
    ("a folder without metadata", "train tacotron2 --steps 1 --data {here}/empty", "no folder with a metadata.csv"),
    ("metadata of absent sounds", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/absent.csv", "1 of the 1 sounds.*gone.wav"),
    ("a sound that is named twice", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/twice.csv", "line 3: the name came before"),
    ("metadata without a sentence", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/blank.csv", "has no sentence"),
    ("metadata without a column", "train tacotron2 --preset tiny --steps 1 --data {here}/text.txt", "name.text is expected"),
    ("a text called speech", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/text.csv", "not a sound of a known format"),
    ("a hundredth of a second of speech", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/short.csv", "too short for a sentence"),
    ("two hours in one file", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/long.csv", "too long for a sentence"),
    ("one sentence", "train tacotron2 --preset tiny --steps 1 --data {here}/voice/one.csv", "too few sentences"),
    ("a text without a known letter", "run tacotron2 '♪ ♫'", "2 of these letters or signs. Received: ♪ ♫"),
    ("a book with an emoji at its end", f"run tacotron2 '{'word ' * 20_000}🙂'", "1 of these letters or signs. Received: 🙂"),
    ("an alignment of a book", f"run tacotron2:align {{here}}/voice/one.wav '{'word ' * 20_000}'", "up to 1,000 symbols"),
    ("an alignment of two hours", "run tacotron2:align {here}/voice/long.wav Hello", "lasts up to 30 s.*Received: 7200 s"),
    ("an alignment of a hundredth of a second", "run tacotron2:align {here}/voice/short.wav Hello", WORKS),
    ("an alignment of two channels, 96 kHz, 24 bits", "run tacotron2:align {here}/sounds/deep.wav Hello", WORKS),
    ("an even kernel", "train tacotron2 --preset tiny --location-kernel 4 --steps 1", "location_kernel is odd"),
    ("bands above half the rate", "train tacotron2 --preset tiny --f-max 9000 --steps 1", "half the sample rate"),
    ("a batch of no lines", "run tacotron2:batch {here}/voice/blank.csv", "no line to speak"),
    ("a batch of another script", "run tacotron2:batch {here}/cyrillic.txt", "9 of these letters or signs. Received: б д е"),
    ("speech of nothing", "run tacotron2 ' '", "nothing that could be spoken"),
    ("speech of signs", "run tacotron2 '?!'", "nothing that could be spoken"),
    ("speech of emoji", "run tacotron2 'Hello 🙂'", "1 of these letters or signs. Received: 🙂"),
    ("speech of another script", "run tacotron2 'Добрый день'", "9 of these letters or signs. Received: б д е"),
    ("a vocoder that is none", "run tacotron2 Hello --vocoder vae.plane", "is a Vocoder"),
    ("an alignment of silence", "run tacotron2:align {here}/voice/silence.wav Hello", "The sound is silent"),
    ("an alignment of a text", "run tacotron2:align {here}/text.txt Hello", "not a sound of a known format"),
    ("a swap without consent", "run deepfakes {here}/black.png", "consented, or does not exist: confirm it with --consent"),
    ("a film swapped without consent", "run deepfakes:video {here}/one-frame.mp4", "confirm it with --consent"),
    ("own faces without consent", "train deepfakes --data {here}/people --steps 1", "confirm it with --consent"),
    ("no face", "run deepfakes {here}/black.png --consent", "face seen from the front.*no face in black.png"),
    ("8000 × 8000 pixels without a face", "run deepfakes {here}/vast.png --consent", "no face in vast.png"),
    ("no face to extract", "run deepfakes:extract {here}/black.png", "no face in any of the pictures"),
    ("a film of one frame without a face", "run deepfakes:video {here}/one-frame.mp4 --consent", "no face in any frame"),
    ("a film without pictures", "run deepfakes:video {here}/sound.mp4 --consent", "sound.mp4 has no moving pictures.*Received: a file of audio"),
    ("half a film", "run deepfakes:video {here}/half.mp4 --consent", "not a video of a known format"),
    ("a text as a face", "run deepfakes {here}/text.png --consent", "not a picture of a known format"),
    ("half a picture as a face", "run deepfakes:detect {here}/cut.png", "is a broken picture"),
    ("a face of nobody known", "run deepfakes {here}/black.png somebody --consent", "identity is one of P007, P010|P007"),
    ("a marked picture where no mark can be", "run deepfakes {here}/black.png --consent --out {here}/x.bmp", "picture, provenance is saved under that ending"),
    ("one picture of one person", "train deepfakes --data {here}/people --consent --steps 1", "folder for each of two people|seen alone"),
    ("a misspelt data set of faces", "train deepfakes --data drawn_people --steps 1", "There is no folder drawn_people"),
    ("faces in no folder", "train deepfakes --data {here}/missing --consent --steps 1", "There is no folder"),
    ("a picture that says nothing of itself", "run deepfakes:detect {here}/black.png", WORKS),
    # weights, recipes and sizes
    ("train a probe", "train attack --steps 1", "attack is a probe"),
    ("train a tag", "train vae.plane --steps 1", "Weights to start from are named by --from"),
    ("tune a tag", "tune vae.plane --steps 1", "Weights to start from are named by --from"),
    ("tune on data out of range", "tune {line} --points 3 --steps 1", "points must lie between 10"),
    ("a size beyond all memory", "train vae --preset tiny --latent-dim 10000000000 --steps 1", "more memory than there is"),
    ("another system's weights", "run classifier {here}/black.png --weights {here}/weights", "holds weights of line"),
    ("corrupt tensors", "run {line} --weights {here}/corrupt", "missing or damaged"),
    ("an unknown key in the config", "run {line} --weights {here}/unknown", "colour is no field"),
]  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory, line_folder):
    """Good and bad files, none of which may change."""
    from core.helpers import trainer
    from potmeter.systems.language.gpt2 import GPT2
    from potmeter.systems.language.gpt2.tokenizer import Tokenizer

    here = tmp_path_factory.mktemp("files")
    (here / "empty").mkdir()
    (here / "damaged").mkdir()
    (here / "damaged" / "system.json").write_text("{")
    (here / "text.txt").write_text("It was a truth")
    (here / "empty.png").write_bytes(b"")
    (here / "latin.txt").write_bytes("größer".encode("latin-1") * 50)
    (here / "one.txt").write_text("only " * 1000)
    (here / "huge.bin").write_bytes(b"99999999999 10000\n" + bytes(100))
    (here / "half.json").write_text('{"images": [{"id": 1, ')
    (here / "absent.csv").write_text("file,caption\nnowhere.png,a cat\n")
    (here / "wordless.csv").write_text("file,caption\nblack.png,...\n")
    (here / "columns.csv").write_text("name,words\nblack.png,a cat\n")
    for name in ("images", "text/1.Gull"):
        (here / "cub" / name).mkdir(parents=True)
    (here / "cub" / "text" / "1.Gull" / "gull.txt").write_text("a white bird\n")
    (here / "one.csv").write_text("file,caption\nblack.png,a cat\n")
    (here / "latin1.txt").write_bytes(b"caf\xe9 " * 2000)
    (here / "line.txt").write_text("It was a truth. " * 20)
    (here / "rows.en").write_text("".join(f"row {n}, one of many\n" for n in range(60)))
    (here / "rows.hu").write_text("".join(f"a {n}. sor a sok közül\n" for n in range(60)))
    Image(np.zeros((8, 8, 3), np.uint8)).save(here / "black.png")
    Image(np.zeros((1, 1, 3), np.uint8)).save(here / "pixel.png")
    Image(np.zeros((4, 400, 3), np.uint8)).save(here / "thin.png")
    Image(np.zeros((8, 8, 3), np.uint8)).save(here / "celeba" / "000001.jpg")
    (here / "celeba" / "list_attr_celeba.txt").write_text("1\nSmiling\n000002.jpg 1\n")
    (here / "mixed").mkdir()
    Image(np.zeros((8, 8, 3), np.uint8)).save(here / "few" / "only.png")
    modes = ("RGB", "L", "RGBA", "P", "1", "CMYK", "I;16")
    for number in range(70):
        mode, size = modes[number % len(modes)], (8 + number, 60 - number // 2)
        picture = PIL.Image.new(
            mode, size, number % 2 if mode == "1" else 3 * number if len(mode) == 1 or ";" in mode else None
        )
        picture.save(here / "mixed" / f"{number}.{'jpg' if mode == 'CMYK' else 'png'}")
        Image(np.full((30, 20 + number, 3), number, np.uint8)).save(here / "darker" / f"{number}.png")
    PIL.Image.new("L", (8000, 8000), 200).save(here / "vast.png")
    wordless = GPT2(replace(GPT2.presets["tiny"], vocab_size=257))
    wordless.tokenizer = Tokenizer.train([], 257)
    (wordless.save_pretrained(here / "wordless") / "tokenizer.json").unlink()
    (here / "text.png").write_text("It was a truth")
    (here / "photos").mkdir()
    (here / "photos" / "empty.png").touch()
    noise = np.random.default_rng(0).integers(
        0, 255, (16, 16, 3), np.uint8
    )  # half of its file has the header, and some pixels
    whole = Image(noise).save(here / "celebrities" / "one" / "a.png").read_bytes()
    (here / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name in ("pairs/a/1", "pairs/a/2", "pairs/b/1", "pairs/b/2"):
        Image(np.zeros((8, 8, 3), np.uint8)).save(here / f"{name}.png")
    for number in range(8):
        for name in ("a", "b"):
            (here / "breaking" / name).mkdir(parents=True, exist_ok=True)
            (here / "breaking" / name / f"{number}.png").write_bytes(whole[: len(whole) // 2])
    for n in range(12):
        Image(np.full((32, 40, 3), 20 * n, np.uint8)).save(here / "masked" / "images" / f"{n}.png")
        (here / "masked" / "masks").mkdir(exist_ok=True)
        PIL.Image.new("L", (40, 32 - (n == 7)), 1).save(here / "masked" / "masks" / f"{n}.png")
    for n in range(12):  # indices of two classes, but one that has no name
        Image(np.full((32, 32, 3), 20 * n, np.uint8)).save(here / "valued" / "images" / f"{n}.png")
        (here / "valued" / "masks").mkdir(exist_ok=True)
        mask = PIL.Image.new("L", (32, 32), 1)
        mask.putpixel((0, 0), 7 * (n == 7))
        mask.save(here / "valued" / "masks" / f"{n}.png")
    (here / "valued" / "classes.txt").write_text("ground\nthing\n")
    PIL.Image.open(registry.ROOT.parents[1] / "examples" / "face.png").crop((0, 0, 70, 128)).save(here / "edge.png")
    (here / "coco").mkdir()
    Image(np.zeros((8, 8, 3), np.uint8)).save(here / "coco" / "a.png")
    annotations = {
        "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": [[1, 1, 5, float("nan"), 4, 4]]}],
    }
    (here / "coco" / "nan.json").write_text(json.dumps(annotations))
    (here / "half.json").write_text(json.dumps(annotations)[:90])
    square = [{"image_id": 1, "category_id": 1, "segmentation": [[1, 1, 5, 1, 4, 4]]}]
    two = [{"image_id": 1, "category_id": 1, "segmentation": [[1, 1, 5, 5]]}]
    (here / "coco" / "two.json").write_text(json.dumps(annotations | {"annotations": two}))
    for n in range(12):
        Image(np.full((64, 64, 3), 20 * n, np.uint8)).save(here / "many" / f"{n}.png")
    pictures = [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 64} for n in range(12)]
    for name, outline in (("outside", [-20, -20, 90, -20, 30, 1e6]), ("odd", [1, 1, 40, 1, 30])):
        things = [
            {"image_id": n, "category_id": 1, "segmentation": [outline], "bbox": [0, 0, 64, 64]} for n in range(12)
        ]
        (here / "many" / f"{name}.json").write_text(
            json.dumps(annotations | {"images": pictures, "annotations": things})
        )
    beyond = [{"image_id": 0, "category_id": 1, "segmentation": [[1, 1, 10**400, 1, 4, 4]]}]
    (here / "many" / "beyond.json").write_text(json.dumps(annotations | {"images": pictures, "annotations": beyond}))
    side = 90_000
    runs = {"counts": [0, side**2], "size": [side, side]}
    vast = [{"image_id": n, "category_id": 1, "segmentation": runs} for n in range(12)]
    listed = [image | {"width": side, "height": side} for image in pictures]
    (here / "many" / "vast.json").write_text(json.dumps(annotations | {"images": listed, "annotations": vast}))
    (here / "gigabyte.json").touch()
    os.truncate(here / "gigabyte.json", 2**30 + 1)  # nothing of it is on the disk
    Image(np.zeros((8, 8, 3), np.uint8)).save(here / "labelme" / "half.png")
    (here / "labelme" / "half.json").write_text('{"shapes": [{"label": "dog", "points": [[1')
    sizes = [{"id": n + 1, "file_name": "a.png", "width": 9, "height": 8} for n in range(1)]
    (here / "coco" / "size.json").write_text(json.dumps(annotations | {"images": sizes, "annotations": square}))
    Image(np.zeros((1, 1, 3), np.uint8)).save(here / "pixel.png")
    Image(np.zeros((20, 20_000, 3), np.uint8)).save(here / "line.png")
    Image(mannequins(96).test.source.read(4).pixels[:60, 40:]).save(here / "cut-person.png")
    (here / "surfaces").mkdir()
    for n in range(8):
        Image(np.full((32, 40, 3), 20 * n, np.uint8)).save(here / "surfaces" / f"{n}.png")
        Image(np.zeros((32 - (n == 7), 40, 3), np.uint8)).save(here / "surfaces" / f"{n}_IUV.png")
    for n in range(8):
        Image(np.full((32, 40, 3), 20 * n, np.uint8)).save(here / "parts" / f"{n}.png")
        Image(np.full((32, 40, 3), 200 * (n == 7), np.uint8)).save(here / "parts" / f"{n}_IUV.png")
    (here / "games").mkdir()
    for name, text in {
        "half": "(;GM[1]SZ[5];B[cc]", "huge": f"(;SZ[5]C[{'x' * 10_000_000}])", "nine": "(;SZ[9];B[cc])",
        "hundred": "(;SZ[100])", "one": "(;SZ[1])", "illegal": "(;SZ[5];B[cc];W[cc])",
        "handicap": "(;SZ[5]HA[2]AB[bb][dd];W[cc])",
    }.items():  # fmt: skip
        (here / "games" / f"{name}.sgf").write_text(text)
    annotations["images"][0]["file_name"] = "gone.png"
    (here / "coco" / "absent.json").write_text(json.dumps(annotations | {"annotations": []}))
    (here / "coco" / "long.json").write_text(
        json.dumps({"categories": [], "annotations": [], "images": [], "x": "x" * 2**22})
    )
    voice = here / "voice"
    for name, seconds, level in (("one", 1, 0.5), ("short", 0.01, 0.5), ("long", 7200, 0.0), ("silence", 1, 0.0)):
        Audio(np.full(int(seconds * 8000), level, np.float32), 8000).save(voice / f"{name}.wav")
        (voice / f"{name}.csv").write_text(f"{name}|ab.\n")
    (voice / "text.wav").write_text("It was a truth")
    (here / "cyrillic.txt").write_text("Hello.\nДобрый день\n", encoding="utf-8")
    (voice / "text.csv").write_text("text|ab.\n")
    (voice / "absent.csv").write_text("gone|ab.\n")
    (voice / "twice.csv").write_text("one|ab.\n\none|ab.\n")
    (voice / "blank.csv").write_text("\n \n")
    PIL.Image.new("RGB", (8000, 8000)).save(here / "vast.png")
    for person in ("ann", "bob"):
        Image(noise).save(here / "people" / person / "only.png")
    one = Video(noise[None].repeat(2, 1).repeat(2, 2)).save(here / "one-frame.mp4").read_bytes()
    (here / "half.mp4").write_bytes(one[: len(one) // 2])
    (here / "sound.mp4").write_bytes((voice / "one.wav").read_bytes())
    (here / "modes").mkdir()
    for name, mode in (("deep.png", "I;16"), ("cmyk.jpg", "CMYK"), ("alpha.png", "RGBA"), ("moving.gif", "L")):
        frame = PIL.Image.new(mode, (30, 20))
        frame.save(here / "modes" / name, **({"save_all": True, "append_images": [frame]} if mode == "L" else {}))
    for folder in ("sounds", "quiet"):
        (here / folder).mkdir()
        soundfile.write(here / folder / "silent.wav", np.zeros(8000), 8000)
    soundfile.write(here / "sounds" / "short.wav", 0.1 * np.ones(160), 16_000)
    soundfile.write(here / "sounds" / "deep.wav", 0.1 * np.ones((30_000, 2)), 96_000, subtype="PCM_24")
    (here / "sounds" / "text.wav").write_text("It was a truth")
    (here / "sounds" / "empty.wav").touch()
    for name in ("corrupt", "unknown"):
        Line(Config()).save_pretrained(here / name)
    (here / "corrupt" / "model.safetensors").write_bytes(b"no tensors at all")
    description = json.loads((here / "unknown" / "config.json").read_text())
    description["config"]["colour"] = "red"
    (here / "unknown" / "config.json").write_text(json.dumps(description))
    trainer(Line, Line.presets["tiny"], here / "used", steps=1).fit()
    return {"here": here, "line": line_folder, "weights": Line(Config()).save_pretrained(here / "weights")}


def listing(folder):
    """What there is, files with their times. A folder's own time is not told: a run's is locked while it is looked into."""
    found = (path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts)
    return {path: path.is_file() and path.stat().st_mtime_ns for path in found}


@pytest.mark.parametrize(("words", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_command_works_or_tells_in_one_line_why_not(words, says, places, elsewhere, capfd):
    import re
    import shlex

    argv = shlex.split(words.format(**places))
    before = listing(places["here"])
    code = execute(argv)
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    if says is WORKS:
        assert code == 0 and out
        return
    assert code == 2, err
    assert out == ""
    line, *more = err.splitlines()
    assert not more, "one line"
    assert line.startswith("potmeter: error: ") and " Received: " in line and re.search(says, line), line
    assert os.listdir(elsewhere) == [] and listing(places["here"]) == before, "nothing is left behind"


def test_rows_have_different_names():
    assert len({row[0] for row in ROWS}) == len(ROWS)
