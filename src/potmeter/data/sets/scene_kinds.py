"""What stands in the scenes of ``sets/scenes.py``: kinds of things, their words, and the cut-out photographs of each.

Every picture of Tux Paint's stamps was looked at; drawings are left out. A kind gathers the stamps of one animal or thing,
whatever finer name the package gives each (a ram is a sheep, a drake a duck). The words are the package's own, English and
Hungarian, in its captions' forms; the colours are those words too, given where a stamp has one plain colour.
"""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = {
    "chicken": ("explore_farm_animals/chicken",),
    "cow": ("explore_farm_animals/cow", "erase/calf"),
    "duck": ("explore_farm_animals/duck",),
    "pig": ("explore_farm_animals/pig",),
    "penguin": ("erase/penguin",),
    "goat": ("erase/goat", "erase/nubian_ibex"),
    "horse": ("explore_farm_animals/horse",),
    "owl": ("explore_farm_animals/owl",),
    "kangaroo": ("explore_world_animals/kangaroo",),
}
"""GCompris' photographs of single animals where they live, by kind; they are trained on. Others of its are examples."""

COLOURS = {
    "red": "piros", "green": "zöld", "yellow": "sárga", "blue": "kék", "white": "fehér", "purple": "lila",
    "pink": "rózsaszín", "brown": "barna",
}  # fmt: skip
"""English word → Hungarian word."""


@dataclass(frozen=True)
class Stamp:
    """One cut-out photograph."""

    path: str
    """Below the folder of the stamps, without its suffix."""
    colour: str | None
    """An English word of ``COLOURS``."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing, in words and in photographs."""

    english: str
    plural: str
    hungarian: str
    ablative: str
    """Hungarian for ``from it``, as in ``tőle balra``, to the left of it."""
    groups: tuple[tuple[Stamp, ...], ...]
    """Its stamps; those of one group may come from one photograph, or one shoot of the same animal."""

    def forms(self, language: str) -> tuple[str, ...]:
        """The words by which a caption names it."""
        return (self.english, self.plural) if language == "en" else (self.hungarian, self.ablative)


def parse_kind(words: str, stamps: str) -> Kind:
    """A kind from its words, and its stamps as ``a+b=red c``: groups apart by spaces, stamps of a group by ``+``.

    Example:
        >>> parse_kind("apple apples alma almától", "x/ x/a=red+b c").groups[0]
        (Stamp(path='x/a', colour='red'), Stamp(path='x/b', colour=None))
    """
    english, plural, hungarian, ablative = (word.replace("_", " ") for word in words.split())
    folder, *groups = stamps.split()
    parsed = []
    for group in groups:
        pairs = [(stamp.removeprefix(folder).partition("=")) for stamp in group.split("+")]
        parsed.append(tuple(Stamp(folder + name, colour or None) for name, _, colour in pairs))
    return Kind(english, plural, hungarian, ablative, tuple(parsed))


KINDS = tuple(
    parse_kind(words, stamps)
    for words, stamps in (
        ("frog frogs béka békától", "animals/amphibians/ frog-1 frog"),
        ("penguin penguins pingvin pingvintől", "animals/birds/ little-penguin magellanic_penguin"),
        ("chicken chickens tyúk tyúktól", "animals/birds/ chicken_profile hen"),
        ("duck ducks kacsa kacsától", "animals/birds/ duck drake"),
        ("guinea_fowl guinea_fowl gyöngytyúk gyöngytyúktól", "animals/birds/ guineafowl helmeted_guineafowl"),
        ("seagull seagulls sirály sirálytól", "animals/birds/ seagull silver-gull"),
        ("bear bears medve medvétől", "animals/mammals/bears/ bear european-bear"),
        ("cow cows tehén tehéntől", "animals/mammals/bovines/ cow cow_white=white"),
        ("gnu gnus gnú gnútól", "animals/mammals/bovines/ gnu-baby-stand+gnu-baby gnu-sitting+gnu-stand"),
        ("goat goats kecske kecskétől", "animals/mammals/bovines/ goat mountaingoat"),
        ("sheep sheep birka birkától", "animals/mammals/bovines/ sheep ram sheep_lamb"),
        ("lion lions oroszlán oroszlántól", "animals/mammals/cats/ lion lion-2"),
        ("tiger tigers tigris tigristől", "animals/mammals/cats/ tiger tiger_sumatran"),
        ("deer deer szarvas szarvastól", "animals/mammals/deer/ deer caribou doe wapiti"),
        ("donkey donkeys szamár szamártól", "animals/mammals/equines/ donkey donkey_eating"),
        ("pig pigs malac malactól", "animals/mammals/ pig pig_golden+pig_golden2"),
        ("rabbit rabbits nyúl nyúltól", "animals/mammals/ rodents/rabbit rabbit_little+rodents/rabbit-2"),
        (
            "fish fish hal haltól",
            "animals/fish/ bluegroper=blue butterflyfish clownfish coraltrout dolphinfish moonwrasse stripedfish lionfish",
        ),
        (
            "apple apples alma almától",
            "food/fruit/ apple_fuji apple_granny_smith=green apple_green=green+apple_red=red apple_sierra_beauty",
        ),
        ("strawberry strawberries szamóca szamócától", "food/fruit/ Strawberry2 strawberry"),
        ("orange oranges narancs narancstól", "food/fruit/ mandarine+orange sliced_orange orange_seville"),
        ("pepper peppers paprika paprikától", "food/vegetables/ pepper=green yellowpepper=yellow chilepepper=red"),
        ("lettuce lettuces saláta salátától", "food/vegetables/ lettuce redlettuce"),
        (
            "mushroom mushrooms gomba gombától",
            "./ food/vegetables/mushroom plants/mushrooms/cep-1 plants/mushrooms/cep-2 plants/mushrooms/cep",
        ),
        (
            "guitar guitars gitár gitártól",
            "hobbies/music/string/ guitar2 guitar_electric guitar_classical guitar_electric_bass",
        ),
        ("drum drums dob dobtól", "hobbies/music/percussion/ drum_tomtom_floor drumkit"),
        ("hammer hammers kalapács kalapácstól", "household/tools/ hammer mallet_metal"),
        ("wrench wrenches franciakulcs franciakulcstól", "household/tools/ wrench wrench_adjustable wrench_plumbers"),
        ("bin bins kuka kukától", "household/ garbagecan wheelie_bin=green home_compost_bin"),
        (
            "ball balls labda labdától",
            "sports/ basketball cricketball=red soccer=white tennis_ball australian_rules_football=red football=brown",
        ),
        ("car cars autó autótól", "vehicles/ auto/beetle=red auto/sedan=blue auto/sportscar2=red race/indycar"),
        ("truck trucks teherautó teherautótól", "vehicles/ auto/truck emergency/firetruck=red garbagetruck=white"),
        ("wheel wheels kerék keréktől", "vehicles/ 7spoke256 wheel_tractor"),
        ("boat boats hajó hajótól", "vehicles/ship/ chineseJunk walnutBoat"),
        (
            "flower flowers virág virágtól",
            "plants/flowers/ anemone_red=red bolsom=white chemparathi=red+flower10=red daffodil=yellow flower1=purple "
            "flower2=yellow+flower5=yellow flower3=yellow flower8=pink flower9=pink iris=purple marigold=yellow "
            "pigface=purple red-gazania=red rose=red yellow-flower=yellow",
        ),
        ("tree trees fa fától", "plants/trees/ birch holm_oak liberia-palm tree336"),
        # of one photograph each: trained on, never tested
        ("elephant elephants elefánt elefánttól", "animals/mammals/ elephant"),
        ("giraffe giraffes zsiráf zsiráftól", "animals/mammals/ giraffe"),
        ("zebra zebras zebra zebrától", "animals/mammals/equines/ zebra"),
        ("horse horses ló lótól", "animals/mammals/equines/ horse"),
        ("fox foxes róka rókától", "animals/mammals/dogs/ fox"),
        ("owl owls bagoly bagolytól", "animals/birds/ owl"),
        ("koala koalas koalamaci koalamacitól", "animals/marsupials/ koala"),
        ("kangaroo kangaroos kenguru kengurutól", "animals/marsupials/ kangaroo"),
        ("banana bananas banán banántól", "food/fruit/ banana=yellow"),
        ("pineapple pineapples ananász ananásztól", "food/fruit/ pineapple"),
        ("lemon lemons citrom citromtól", "food/fruit/ lemon=yellow"),
        ("bus buses busz busztól", "vehicles/masstransit/ green_korean_bus=green"),
        ("airplane airplanes repülő repülőtől", "vehicles/flight/planes/ 747"),
    )
)

CLASSES = {
    kind: tuple(names.split("; "))
    for kind, names in {
        "frog": "bullfrog; tree frog; tailed frog", "penguin": "king penguin", "chicken": "cock; hen", "duck": "drake",
        "bear": "brown bear; American black bear; ice bear; sloth bear", "cow": "ox", "goat": "ibex", "sheep": "ram; bighorn",
        "lion": "lion", "tiger": "tiger", "pig": "hog; wild boar", "rabbit": "wood rabbit; Angora",
        "fish": "tench; goldfish; barracouta; coho; rock beauty; anemone fish; sturgeon; gar; lionfish; puffer",
        "apple": "Granny Smith", "strawberry": "strawberry", "orange": "orange", "pepper": "bell pepper",
        "mushroom": "mushroom; agaric; bolete; gyromitra; stinkhorn; earthstar; hen-of-the-woods; coral fungus",
        "guitar": "acoustic guitar; electric guitar", "drum": "drum", "hammer": "hammer", "bin": "ashcan",
        "ball": "basketball; croquet ball; golf ball; ping-pong ball; rugby ball; soccer ball; tennis ball; volleyball",
        "car": "beach wagon; cab; convertible; jeep; limousine; minivan; Model T; racer; sports car",
        "truck": "fire engine; garbage truck; moving van; pickup; tow truck; trailer truck", "wheel": "car wheel",
        "boat": "canoe; catamaran; fireboat; gondola; lifeboat; schooner; speedboat; trimaran; yawl",
        "flower": "daisy; yellow lady's slipper", "elephant": "African elephant; Indian elephant; tusker", "zebra": "zebra",
        "horse": "sorrel", "fox": "red fox; kit fox; Arctic fox; grey fox", "owl": "great grey owl", "koala": "koala",
        "kangaroo": "wallaby", "banana": "banana", "pineapple": "pineapple", "lemon": "lemon",
        "bus": "minibus; school bus; trolleybus", "airplane": "airliner; warplane",
    }.items()
}  # fmt: skip
"""The classes of ImageNet, by their names, that are of a kind or much like it (a wallaby, for a kangaroo)."""
