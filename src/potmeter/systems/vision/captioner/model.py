"""A decoder that says what a feature map shows, word after word: Show and Tell, and Show, Attend and Tell.

Vinyals et al. (arXiv:1411.4555) show the picture once: the mean of the feature map, projected, is the LSTM's first input.
Xu et al. (arXiv:1502.03044) let it look again for each word: with annotation vectors aᵢ of the places i and the state h,

    αₜ = softmaxᵢ(v · tanh(W_a aᵢ + W_h hₜ₋₁))        ẑₜ = βₜ Σᵢ αₜᵢ aᵢ        βₜ = σ(w · hₜ₋₁)
    hₜ = LSTM([E yₜ₋₁; ẑₜ], hₜ₋₁)                     p(yₜ) = softmax(Eᵀ(E yₜ₋₁ + L_h hₜ + L_z ẑₜ))

(the paper's soft attention; the output layer shares the embedding's matrix, which it has not in the paper). The annotation
vectors are projections of the backbone's features to which the place's own vector is added: a convolution knows where it
is by its padding only, and captions say left and right. What ``ClassEvidence`` adds is in neither paper.

Shapes: B captions, T words, P = hs · ws places, F channels of the feature map, C dimensions of an annotation vector,
H units of the LSTM, V tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject

PAD, END, UNKNOWN = 0, 1, 2
SPECIAL = ("<pad>", "<end>", "<unknown>")
CLASSES = 1000
"""ImageNet's classes: so many channels of a feature map are their probabilities, where ``class_words`` are given."""
EPSILON = 0.01
"""Probability from which a class at a place counts as evidence."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """How pictures are read and captions written."""

    dataset: str = "scenes"
    """What it is trained on where no --data is given: scenes or drawn-scenes."""
    architecture: Literal["attend", "tell"] = "attend"
    """attend: look at the feature map for each word (Xu et al. 2015); tell: see its mean once (Vinyals et al. 2015)."""
    encoder: Literal["mobilenet", "convolutions"] = "mobilenet"
    """mobilenet: MobileNetV2 with its public ImageNet weights, not trained further; convolutions: four, trained along."""
    image_size: Annotated[int, Range(32)] = 288
    """Height and width of a picture in pixels."""
    channels: Annotated[int, Range(1)] = 64
    """convolutions: feature channels."""
    annotation_dim: Annotated[int, Range(1)] = 256
    """Dimensions of the annotation vector of each place, and of the attention's hidden layer."""
    embedding_dim: Annotated[int, Range(1)] = 192
    """Dimensions of a word's embedding."""
    hidden_size: Annotated[int, Range(1)] = 320
    """Units of the LSTM."""
    dropout: Annotated[float, Range(0, 1, open="high")] = 0.3
    """Probability that a feature channel, or a dimension of an embedding or output, is dropped in training."""
    label_smoothing: Annotated[float, Range(0, 1, open="high")] = 0.0
    """Probability that the target spreads over all words."""
    attention_penalty: Annotated[float, Range(0)] = 0.0
    """attend: weight of Σᵢ (1 − Σₜ αₜᵢ)², which asks that every place be looked at: the paper's λ."""
    max_length: Annotated[int, Range(2)] = 20
    """Most words of a caption; of longer ones the beginning is trained on."""
    min_count: Annotated[int, Range(1)] = 1
    """Fewest times that a word must stand in the training captions to be in the vocabulary."""
    vocabulary: tuple[str, ...] = ()
    """The words, in the order of their tokens; filled from the data."""
    class_names: bool = False
    """mobilenet: let the network's own ImageNet classifier speak for the words that name its classes."""
    class_words: tuple[str, ...] = ()
    """class_names: which class, by its number, a word names, as ``291 lion``; filled from the data."""
    languages: tuple[str, ...] = ()
    """Languages of the captions, each of which has a start token; filled from the data. und: not said which."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(set(self.vocabulary)) == len(self.vocabulary) or reject("vocabulary has every word once.", self.vocabulary)

    @property
    def tokens(self) -> tuple[str, ...]:
        """What each token stands for: special tokens, a start token for each language, the words."""
        return (*SPECIAL, *(f"<{language}>" for language in self.languages), *self.vocabulary)

    def start(self, language: str) -> int:
        """The start token of captions in a language."""
        return len(SPECIAL) + self.languages.index(language)


class DecoderState:
    """What the decoder remembers of each caption, changed from word to word.

    Args:
        annotations: (B, P, C), the annotation vectors.
        keys: (B, P, C), W_a aᵢ.
        h, c: (B, H), of the LSTM.
        named: (B, P, G), of each place, the probabilities of the G sets of classes that have names; or None.
        unsaid: (B, G), 1 for the sets that have not been named yet, 0 for the others; or None.
    """

    def __init__(
        self, annotations: Tensor, keys: Tensor, h: Tensor, c: Tensor, named: Tensor | None, unsaid: Tensor | None
    ) -> None:
        self.annotations, self.keys, self.h, self.c, self.named, self.unsaid = annotations, keys, h, c, named, unsaid

    def select(self, rows: Int[Tensor, " n"]) -> DecoderState:
        """The state of these captions, in this order; one may come several times."""
        parts = (self.annotations, self.keys, self.h, self.c, self.named, self.unsaid)
        return DecoderState(*(None if part is None else part[rows] for part in parts))  # type: ignore[arg-type]


class Attention(nn.Module):
    """Additive attention (Bahdanau et al., arXiv:1409.0473) over the places, with the paper's gate β."""

    def __init__(self, dim: int, hidden_size: int) -> None:
        super().__init__()
        self.key_projection = nn.Linear(dim, dim)
        self.query_projection = nn.Linear(hidden_size, dim, bias=False)
        self.vector = nn.Linear(dim, 1, bias=False)
        self.gate = nn.Linear(hidden_size, 1)

    def forward(self, state: DecoderState) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b p"]]:
        """The context vector ẑ, and the attention weights α, which sum to 1."""
        scores = self.vector(torch.tanh(state.keys + self.query_projection(state.h)[:, None]))[..., 0]  # (B, P)
        weights = scores.softmax(1)
        context = torch.einsum("bp,bpc->bc", weights, state.annotations)
        return torch.sigmoid(self.gate(state.h)) * context, weights


class ClassEvidence(nn.Module):
    """What the backbone's own classifier sees, as evidence for the words that name its classes.

    Captions show a few lions; the classifier has seen a thousand. With pᵢ(c), its probability of class c at place i, and the
    classes C(w) that a word names,

        qₜ(w) = Σᵢ αₜᵢ Σ_{c ∈ C(w)} pᵢ(c)        logitsₜ(w) += softplus(w_g · hₜ + b_g) · log(1 + qₜ(w) / ε)

    where C(w) is empty, or a word with this C(w) has been written, nothing is added: what is looked at would be named again and
    again. (A product of experts, whose weight is learnt for each step from the state.)

    Args:
        config: With its vocabulary and class_words.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        classes: dict[str, set[int]] = {}
        for pair in config.class_words:
            number, word = pair.split(" ", 1)
            classes.setdefault(word, set()).add(int(number))
        named = list(dict.fromkeys(frozenset(classes[word]) for word in config.tokens if word in classes))
        member = torch.zeros(CLASSES, len(named))
        for column, numbers in enumerate(named):
            member[sorted(numbers), column] = 1
        groups = [named.index(frozenset(classes[word])) if word in classes else len(named) for word in config.tokens]
        self.member: Tensor
        self.groups: Tensor
        self.register_buffer("member", member, persistent=False)  # (1000, G)
        self.register_buffer("groups", torch.tensor(groups), persistent=False)  # (V,)
        self.gate = nn.Linear(config.hidden_size, 1)

    def gather(self, probabilities: Float[Tensor, "b k hs ws"]) -> Float[Tensor, "b p g"]:
        """Of each place, the probability of each set of classes that a word names."""
        return probabilities.flatten(2).transpose(1, 2) @ self.member

    def strike(self, unsaid: Float[Tensor, "b g"], tokens: Int[Tensor, " b"]) -> Float[Tensor, "b g"]:
        """What is still unsaid after these words."""
        return unsaid * (1 - F.one_hot(self.groups[tokens], unsaid.shape[1] + 1)[:, :-1])

    def forward(
        self, named: Float[Tensor, "b p g"], unsaid: Float[Tensor, "b g"], weights: Tensor | None, h: Tensor
    ) -> Float[Tensor, "b v"]:
        """What to add to the logits, given the attention weights (B, P); None = the same everywhere."""
        q = named.mean(1) if weights is None else torch.einsum("bp,bpg->bg", weights, named)
        evidence = F.pad(torch.log1p(unsaid * q / EPSILON), (0, 1))[:, self.groups]
        return F.softplus(self.gate(h)) * evidence


class Decoder(nn.Module):
    """From a feature map to the logits of a caption's words.

    Args:
        config: With its vocabulary and languages.
        features: Channels of the feature map; with class_words those of the classes' probabilities come after them.
        side: Its height and width.

    Example:
        >>> config = Config(vocabulary=("a", "cat"), languages=("en",), annotation_dim=8, embedding_dim=8, hidden_size=8)
        >>> decoder = Decoder(config, features=5, side=4)
        >>> logits, weights = decoder(torch.rand(2, 5, 4, 4), torch.tensor([[3, 4, 5], [3, 5, 1]]))
        >>> logits.shape, weights.shape
        (torch.Size([2, 3, 6]), torch.Size([2, 3, 16]))
    """

    def __init__(self, config: Config, features: int, side: int) -> None:
        super().__init__()
        c, e, h = config.annotation_dim, config.embedding_dim, config.hidden_size
        self.attends = config.architecture == "attend"
        self.annotation_projection = nn.Linear(features, c)
        self.place_embedding = nn.Parameter(0.02 * torch.randn(side * side, c))
        self.embedding = nn.Embedding(len(config.tokens), e)
        nn.init.normal_(self.embedding.weight, std=e**-0.5)
        self.dropout, self.feature_dropout = (
            nn.Dropout(config.dropout),
            nn.Dropout2d(config.dropout),
        )  # of whole channels
        if self.attends:
            self.attention = Attention(c, h)
            self.initial = nn.Linear(c, 2 * h)
            self.context_output = nn.Linear(c, e, bias=False)
        else:
            self.image_input = nn.Linear(c, e)
        self.lstm = nn.LSTMCell(e + c if self.attends else e, h)
        self.evidence = ClassEvidence(config) if config.class_words else None
        self.hidden_output = nn.Linear(h, e)
        self.output_bias = nn.Parameter(torch.zeros(len(config.tokens)))

    def encode(self, maps: Float[Tensor, "b f hs ws"]) -> DecoderState:
        """The state before the first word."""
        named = unsaid = None
        if self.evidence is not None:
            maps, probabilities = maps.split((maps.shape[1] - CLASSES, CLASSES), 1)
            named = self.evidence.gather(probabilities)
            unsaid = torch.ones_like(named[:, 0])
        places = self.feature_dropout(maps).flatten(2).transpose(1, 2)  # (B, P, F)
        annotations = F.relu(self.annotation_projection(places) + self.place_embedding)
        mean = annotations.mean(1)
        if self.attends:
            h, c = torch.tanh(self.initial(mean)).chunk(2, 1)
            return DecoderState(annotations, self.attention.key_projection(annotations), h, c, named, unsaid)
        zero = mean.new_zeros(len(mean), self.lstm.hidden_size)
        h, c = self.lstm(self.dropout(self.image_input(mean)), (zero, zero))
        return DecoderState(annotations, annotations, h, c, named, unsaid)

    def step(
        self, tokens: Int[Tensor, " b"], state: DecoderState
    ) -> tuple[Float[Tensor, "b v"], Float[Tensor, "b p"] | None]:
        """Read one word of each caption and update the state; the next word's logits, and the attention weights."""
        words, weights = self.dropout(self.embedding(tokens)), None
        if self.attends:
            context, weights = self.attention(state)
            state.h, state.c = self.lstm(torch.cat([words, context], 1), (state.h, state.c))
            output = words + self.hidden_output(self.dropout(state.h)) + self.context_output(self.dropout(context))
        else:
            state.h, state.c = self.lstm(words, (state.h, state.c))
            output = self.hidden_output(self.dropout(state.h))
        logits = F.linear(output, self.embedding.weight, self.output_bias)
        if self.evidence is not None:
            assert state.named is not None
            assert state.unsaid is not None
            state.unsaid = self.evidence.strike(state.unsaid, tokens)
            logits = logits + self.evidence(state.named, state.unsaid, weights, state.h)
        return logits, weights

    def forward(
        self, maps: Float[Tensor, "b f hs ws"], tokens: Int[Tensor, "b t"]
    ) -> tuple[Float[Tensor, "b t v"], Float[Tensor, "b t p"] | None]:
        """Logits of the token after each of ``tokens``, which begin with a start token, and the attention weights."""
        state = self.encode(maps)
        steps = [self.step(column, state) for column in tokens.unbind(1)]
        weights = [each for _, each in steps if each is not None]
        return torch.stack([logits for logits, _ in steps], 1), torch.stack(weights, 1) if weights else None
