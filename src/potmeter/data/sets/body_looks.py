"""What a body looks like: skin, hair, clothes with patterns, and the light on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from potmeter.data.sets.body_model import BODY, EYES, HAIR, SKIRT

SKINS = np.array(
    [(252, 224, 204), (240, 196, 168), (222, 170, 136), (190, 134, 98), (141, 92, 62), (92, 60, 42), (62, 42, 32)]
) / 255  # fmt: skip
"""Colours of skin, from light to dark; one between two neighbours is drawn."""
HAIRS = np.array(
    [(26, 22, 20), (58, 40, 28), (104, 70, 42), (168, 126, 74), (214, 182, 126), (190, 190, 190), (130, 60, 36)]
) / 255  # fmt: skip
"""Colours of hair."""
STRANDS = np.array([260, 40, 220], np.float32)
"""Wave vector of the hair's strands, in radians per metre."""
LIMBS = {
    "torso": (1,), "hand": (2, 3), "foot": (4, 5), "thigh": (6, 7), "shin": (8, 9), "upper arm": (10, 11),
    "forearm": (12, 13),
}  # fmt: skip
"""Segments of the body, right and left."""
HEAD = 14
"""The head's."""
WAIST, NECK = 0.18, 0.56
"""Heights of the average body in the rest pose, in metres."""


@dataclass(frozen=True)
class Cloth:
    """A colour with a pattern.

    Args:
        colours: (2, 3) in [0, 1].
        pattern: plain, stripes, checks, dots or clouds.
        waves: (K, 3), wave vectors of the pattern, in radians per metre.
        phases: (K,), in radians.
    """

    colours: np.ndarray
    pattern: str
    waves: np.ndarray
    phases: np.ndarray

    def paint(self, places: np.ndarray) -> np.ndarray:
        """Colours (N, 3) at places (N, 3) of the body in the rest pose."""
        if self.pattern == "plain":
            return np.broadcast_to(self.colours[0], (len(places), 3))
        waves = np.sin(places @ np.float32(self.waves.T) + np.float32(self.phases))  # (N, K)
        share = {
            "stripes": lambda: waves[:, 0] > 0.2,
            "checks": lambda: (waves[:, 0] > 0) ^ (waves[:, 1] > 0),
            "dots": lambda: (waves > 0.45).all(1),
            "clouds": lambda: 0.5 + waves.mean(1),
        }[self.pattern]()
        share = np.asarray(share, np.float32).clip(0, 1)[:, None]
        low, high = self.colours.astype(np.float32)
        return (1 - share) * low + share * high


def draw_colour(rng: np.random.Generator) -> np.ndarray:
    """A random colour of cloth (3,), in a third of the cases nearly grey."""
    if rng.random() < 0.35:
        return np.clip(rng.uniform(0.03, 0.97) + rng.normal(0, 0.03, 3), 0, 1)
    return rng.uniform(0.02, 1, 3)


def draw_cloth(rng: np.random.Generator) -> Cloth:
    """A random cloth."""
    pattern = str(rng.choice(["plain", "stripes", "checks", "dots", "clouds"], p=[0.5, 0.14, 0.1, 0.08, 0.18]))
    size = np.exp(rng.uniform(np.log(15), np.log(110)))
    waves = np.linalg.qr(rng.normal(size=(3, 3)))[0] * size if rng.random() < 0.4 else np.eye(3)[[1, 0, 2]] * size
    if pattern == "clouds":
        waves = rng.normal(size=(5, 3)) * size / 2
    return Cloth(np.stack([draw_colour(rng), draw_colour(rng)]), pattern, waves, rng.uniform(0, 6.28, len(waves)))


@dataclass(frozen=True)
class Look:
    """Skin, hair and clothes of a body.

    Args:
        skin, hair, shoes: Colours (3,) in [0, 1]; shoes may be None.
        top, bottom, skirt: Cloth, or None.
        sleeves: How much of the arms is covered: 0 nothing, 1 to the elbow, 2 to the wrist.
        legs: How much of the legs is covered: 0 nothing, 1 to the knee, 2 to the ankle.
        hairline: V of the head from which there is hair, at the front and at the back.
        long_hair: Whether there is hair around the head.
        gloves: Whether the hands are covered.
    """

    skin: np.ndarray
    hair: np.ndarray
    shoes: np.ndarray | None
    top: Cloth | None
    bottom: Cloth | None
    skirt: Cloth | None
    sleeves: float
    legs: float
    hairline: tuple[float, float]
    long_hair: bool
    gloves: bool

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers of the body model that are drawn."""
        return (BODY, EYES, *([HAIR] if self.long_hair else []), *([SKIRT] if self.skirt is not None else []))

    def paint(self, place: np.ndarray, segment: np.ndarray, uv: np.ndarray, layer: np.ndarray) -> np.ndarray:
        """Colours float (N, 3) in [0, 1] of N pixels, without light.

        Args:
            place: (N, 3), on the average body in the rest pose, in metres.
            segment: (N,), of the body.
            uv: (N, 2), on the part.
            layer: (N,), of the body model.
        """
        colour = np.tile(np.float32(self.skin), (len(place), 1))
        height, v = place[:, 1], uv[:, 1]
        on = {name: np.isin(segment, segments) for name, segments in LIMBS.items()}
        if self.bottom is not None:
            covered = on["torso"] & (height < WAIST)
            covered |= (on["thigh"] & (v <= self.legs)) | (on["shin"] & (v <= self.legs - 1))
            colour[covered] = self.bottom.paint(place[covered])
        if self.top is not None:
            covered = on["torso"] & (height >= WAIST) & (height < NECK)
            covered |= (on["upper arm"] & (v <= self.sleeves)) | (on["forearm"] & (v <= self.sleeves - 1))
            colour[covered] = self.top.paint(place[covered])
        if self.shoes is not None:
            colour[on["foot"]] = self.shoes
        if self.gloves:
            colour[on["hand"]] = self.shoes if self.shoes is not None else self.hair
        line = self.hairline[1] + (self.hairline[0] - self.hairline[1]) * uv[:, 0] ** 2
        hairy = ((segment == HEAD) & (v > line) & (layer == BODY)) | (layer == HAIR)
        strands = 1 + 0.12 * np.sin(place[hairy] @ STRANDS)[:, None]
        colour[hairy] = self.hair * strands
        eyes = layer == EYES
        front = np.abs(np.abs(place[:, 0]) - 0.031) < 0.007
        colour[eyes] = np.where(front[eyes][:, None], (0.1, 0.08, 0.07), (0.9, 0.9, 0.88))
        if self.skirt is not None:
            covered = layer == SKIRT
            colour[covered] = self.skirt.paint(place[covered])
        return colour.clip(0, 1)


class GradientLook(Look):
    """Colours that tell the place on the body, tinted by the skin: red grows leftwards, green upwards, blue to the front."""

    def paint(self, place: np.ndarray, segment: np.ndarray, uv: np.ndarray, layer: np.ndarray) -> np.ndarray:
        """Colours float (N, 3) in [0, 1]; arguments as of ``Look.paint``."""
        share = (place - (-0.6, -0.85, -0.15)) / (1.2, 1.7, 0.35)
        colour: np.ndarray = (share * (0.7 + 0.3 * self.skin) + 0.1).clip(0, 1)
        return colour


def draw_look(rng: np.random.Generator, female: float) -> Look:
    """A random look; skirts and long hair are more frequent the more ``female``, from 0 to 1, the body is."""
    at = rng.uniform(0, len(SKINS) - 1)
    low = int(at)
    skin = SKINS[low] + (at - low) * (SKINS[min(low + 1, len(SKINS) - 1)] - SKINS[low])
    hair = HAIRS[rng.integers(len(HAIRS))] * rng.uniform(0.7, 1.2)
    bald = rng.random() < 0.07 * (2 - female)
    bottom = draw_cloth(rng)
    top = draw_cloth(rng) if rng.random() < 0.94 else None
    whole = rng.random() < 0.12  # a suit or a dress of one cloth
    return Look(
        skin=(skin * rng.uniform(0.9, 1.1)).clip(0, 1),
        hair=hair.clip(0, 1),
        shoes=draw_colour(rng) * 0.8 if rng.random() < 0.85 else None,
        top=bottom if whole else top,
        bottom=bottom,
        skirt=(bottom if whole else draw_cloth(rng)) if rng.random() < 0.35 * female else None,
        sleeves=float(rng.choice([0.0, rng.uniform(0.3, 1), rng.uniform(1, 1.8), 2.0], p=[0.15, 0.3, 0.1, 0.45])),
        legs=float(rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.5, 1.4), 2.0], p=[0.15, 0.2, 0.65])),
        hairline=(1.1, 1.1) if bald else (rng.uniform(0.74, 0.86), rng.uniform(0.2, 0.6)),
        long_hair=bool(rng.random() < 0.25 + 0.45 * female),
        gloves=bool(rng.random() < 0.05),
    )


@dataclass(frozen=True)
class Light:
    """Ambient light and one directional light on diffuse (Lambertian) surfaces.

    Args:
        direction: Unit vector (3,) towards the directional light; x to the right, y up, z to the camera.
        ambient, directional: Colours (3,).
        wrap: How far directional light reaches around an edge, from 0 to 1.
        folds: (K, 3), wave vectors of bumps, such as the folds of cloth, in radians per metre.
        depth: How much the bumps tilt the normals.
    """

    direction: np.ndarray
    ambient: np.ndarray
    directional: np.ndarray
    wrap: float
    folds: np.ndarray
    depth: float

    def shade(self, colour: np.ndarray, normal: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Colours (N, 3), lit, of surfaces with these colours, normals and places (N, 3)."""
        folds, direction, ambient, directional = map(
            np.float32, (self.folds, self.direction, self.ambient, self.directional)
        )
        bumps = folds * np.float32(self.depth / np.linalg.norm(folds, axis=1).sum())
        normal = normal + np.cos(place @ folds.T) @ bumps
        length = np.sqrt(np.einsum("nc,nc->n", normal, normal)) + np.float32(1e-9)
        lit = ((normal @ direction / length + np.float32(self.wrap)) / np.float32(1 + self.wrap)).clip(0)[:, None]
        return colour * (ambient + directional * lit)


EVEN_LIGHT = Light(np.array([0.0, 0.6, 0.8]), np.full(3, 0.7), np.full(3, 0.3), 0.5, np.ones((1, 3)), 0.0)
"""Light from the front that hardly shades."""


def draw_light(rng: np.random.Generator) -> Light:
    """A random light, from above more often than from below."""
    direction = np.array([0, 0.8, 0.6]) + rng.normal(size=3)
    tint = 1 + rng.normal(0, 0.06, 3)
    ambient = rng.uniform(0.25, 0.75)
    return Light(
        direction / np.linalg.norm(direction), ambient * (1 + rng.normal(0, 0.05, 3)),
        (rng.uniform(0.9, 1.25) - ambient) * tint,
        rng.uniform(0, 0.6), rng.normal(size=(4, 3)) * np.exp(rng.uniform(np.log(15), np.log(60))), rng.uniform(0, 0.5),
    )  # fmt: skip
