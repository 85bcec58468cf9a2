"""Which pictures of Tux Paint and GCompris are photographs of a bird, a mammal, a flower or a fruit.

Every picture was looked at. Left out, as drawn, painted over or doubtful: penguin, quetzal · camel, dog, dromedary,
echidna, hedgehog, mouse, rat; and appooppanthady, which is the seed of a milkweed, not a flower; and the nuts.

``a+b`` stands for pictures that may come from one photograph, or one shoot of the same animal: they form one group, which
cross-validation must keep together. ``a~b`` stands for different photographs of one species, which are kept together
only where the question is how well a new species is placed.
"""

from typing import Literal

BIRDS = """
    adelaide-rosella albino_peahen~peacock blackbird chicken_profile~hen~rooster crow crowned_crane cuckoo drake~duck
    gander guineafowl~helmeted_guineafowl heron_greatblue+heron_greatblue_flying lark
    little-penguin~magellanic_penguin magpie nandou~ostrich owl pelican pigeon pink_flamingo rainbow-lorikeet
    seagull+silver-gull tucan turkey vulture
"""

MAMMALS = """
    apes/chimp apes/gorilla apes/tamarin_emperor aquatic/dolphin aquatic/orca aquatic/otter aquatic/sea_lion
    aquatic/whale badger bears/bear~bears/european-bear bovines/bison
    bovines/bull~bovines/cow~bovines/cow_white~bovines/zebu
    bovines/gnu-baby-stand+bovines/gnu-baby~bovines/gnu-sitting+bovines/gnu-stand bovines/goat~bovines/mountaingoat
    bovines/indian_blackbuck bovines/ram~bovines/sheep~bovines/sheep_lamb bovines/yak cats/lion-2~cats/lion
    cats/tiger~cats/tiger_sumatran deer/caribou deer/deer~deer/doe~deer/wapiti dogs/dingo dogs/fox elephant
    equines/donkey~equines/donkey_eating equines/horse equines/zebra ferret giraffe hippopotamus
    pig~pig_golden+pig_golden2~wildboar rabbit_little+rodents/rabbit-2~rodents/rabbit rhino_black rodents/beaver
    rodents/capybara rodents/marmot rodents/squirrel ../marsupials/kangaroo ../marsupials/koala ../marsupials/wombat
"""

FLOWERS = """
    adeenia anemone_red anthoorium bolsom flower10+chemparathi daffodil flower1 flower2+flower5 flower3 flower4 flower6
    flower7 flower8 flower9 iris marigold pigface red-gazania rose whitestar-petunia yellow-flower
"""

FRUIT = """
    Apricot_whole+apricot Cherry_Stella Strawberry2~strawberry
    apple_fuji~apple_granny_smith~apple_green+apple_red~apple_sierra_beauty avocado banana cherimoya grapes kiwi
    lemon mandarine+orange~sliced_orange~orange_seville mango pear pineapple pomegranate raspberry sliced_lime
"""

STAMPS = {
    "bird": ("animals/birds", BIRDS),
    "mammal": ("animals/mammals", MAMMALS),
    "flower": ("plants/flowers", FLOWERS),
    "fruit": ("food/fruit", FRUIT),
}
"""Category → folder of the stamps, and names in it."""

WILD = {
    "bird": """
        chicken duck owl scarlet_macaw gosling heron kingfisher northern_harrier penguin spoonbills swans
    """,
    "mammal": """
        cat~kitten cow~calf dog horse pig sheep bison giraffe hedgehog jaguar kangaroo koala lemur moose narwhal panda
        polar_bear alpaca camels cheetah dolphin flying_fox gibbon goat~nubian_ibex gorilla long_nosed_monkey~macaque
        meerkats pika red_panda rhinoceros squirrel
    """,
}
"""Category → names of GCompris photos; ``horse`` and ``giraffe`` are there twice, in two activities: one group each.
The toucan is left out, since the centre square shows its branch; so are reptiles, insects and the crab."""


def parse_groups(names: str, apart: Literal["photograph", "species"] = "photograph") -> list[tuple[str, str]]:
    """Pairs of a name and its group, the group being called after its first name.

    Args:
        names: Names as above.
        apart: What different groups differ in: the photograph (or shoot), or the whole species.

    Example:
        >>> parse_groups("crow calf+calf2~bull")
        [('crow', 'crow'), ('calf', 'calf'), ('calf2', 'calf'), ('bull', 'bull')]
    """
    groups = (names.replace("~", "+") if apart == "species" else names.replace("~", " ")).split()
    return [(name, group.split("+")[0]) for group in groups for name in group.split("+")]
