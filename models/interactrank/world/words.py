"""The words of the search world. All brands are made up."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Category:
    """`nouns`: the name first, then synonyms that titles and queries use as well. `share`: relative size."""

    department: str
    nouns: tuple[str, ...]
    material: str
    price: float
    share: float = 1.0
    lean: float = 0.0  # > 0: wanted more by women, < 0: by men


CATEGORIES = (
    Category("clothing", ("sweater", "jumper", "pullover"), "textile", 60, 1.6),
    Category("clothing", ("cardigan", "knit jacket"), "textile", 70, 1.0, 0.5),
    Category("clothing", ("dress", "gown", "frock"), "textile", 90, 2.2, 1.5),
    Category("clothing", ("shirt", "button-down"), "textile", 45, 1.4, -0.6),
    Category("clothing", ("t-shirt", "tee"), "textile", 20, 1.6, -0.2),
    Category("clothing", ("hoodie", "hooded sweatshirt"), "textile", 50, 1.0, -0.5),
    Category("clothing", ("jeans", "denims"), "textile", 75, 1.4),
    Category("clothing", ("trousers", "slacks", "chinos"), "textile", 65, 1.2, -0.3),
    Category("clothing", ("skirt",), "textile", 50, 0.9, 1.6),
    Category("clothing", ("coat", "overcoat", "parka"), "textile", 160, 1.1),
    Category("clothing", ("jacket", "blazer"), "textile", 120, 1.2),
    Category("clothing", ("pyjamas", "nightwear", "sleepwear"), "textile", 40, 0.7, 0.4),
    Category("shoes", ("boots", "ankle boots"), "leather", 130, 1.2),
    Category("shoes", ("sneakers", "trainers", "kicks"), "leather", 90, 1.6, -0.3),
    Category("shoes", ("sandals", "slides"), "leather", 50, 0.9, 0.5),
    Category("shoes", ("loafers", "slip-ons"), "leather", 95, 0.7, -0.3),
    Category("shoes", ("heels", "stilettos"), "leather", 100, 0.8, 1.8),
    Category("accessories", ("handbag", "tote", "shoulder bag"), "leather", 110, 1.2, 1.3),
    Category("accessories", ("backpack", "rucksack"), "leather", 80, 0.9, -0.4),
    Category("accessories", ("scarf", "shawl"), "textile", 35, 0.7, 0.4),
    Category("accessories", ("hat", "beanie", "cap"), "textile", 25, 0.8),
    Category("accessories", ("belt",), "leather", 35, 0.5, -0.5),
    Category("accessories", ("watch", "wristwatch"), "metal", 150, 0.9, -0.6),
    Category("accessories", ("necklace", "pendant"), "metal", 60, 0.9, 1.4),
    Category("accessories", ("earrings", "hoops"), "metal", 40, 0.9, 1.5),
    Category("accessories", ("sunglasses", "shades"), "metal", 70, 0.8),
    Category("furniture", ("sofa", "couch", "settee"), "wood", 900, 1.0),
    Category("furniture", ("armchair", "lounge chair"), "wood", 400, 0.8),
    Category("furniture", ("coffee table", "side table"), "wood", 220, 0.9),
    Category("furniture", ("bookshelf", "bookcase", "shelving unit"), "wood", 180, 0.8),
    Category("furniture", ("desk", "writing table", "workstation"), "wood", 300, 0.8, -0.3),
    Category("furniture", ("bed frame", "bedstead"), "wood", 450, 0.7),
    Category("furniture", ("dining chair",), "wood", 120, 0.6),
    Category("furniture", ("sideboard", "credenza", "buffet cabinet"), "wood", 380, 0.6),
    Category("decor", ("rug", "carpet"), "textile", 190, 1.1),
    Category("decor", ("lamp", "lantern"), "metal", 80, 1.2),
    Category("decor", ("cushion", "pillow"), "textile", 25, 1.0, 0.4),
    Category("decor", ("blanket", "bedspread"), "textile", 50, 0.8, 0.3),
    Category("decor", ("vase", "urn"), "ceramic", 40, 0.8, 0.5),
    Category("decor", ("mirror", "looking glass"), "wood", 130, 0.7, 0.3),
    Category("decor", ("wall art", "poster", "canvas picture"), "wood", 35, 1.2),
    Category("decor", ("candle", "tealights"), "ceramic", 18, 0.7, 0.6),
    Category("decor", ("planter", "flowerpot"), "ceramic", 30, 0.8),
    Category("decor", ("curtains", "drapes"), "textile", 55, 0.7),
    Category("kitchen", ("mug", "cup"), "ceramic", 15, 0.9),
    Category("kitchen", ("plate", "dinnerware"), "ceramic", 22, 0.7),
    Category("kitchen", ("kettle", "teapot"), "metal", 55, 0.6),
    Category("kitchen", ("frying pan", "skillet"), "metal", 60, 0.7, -0.3),
)

# Words that mean one category to some countries or genders and another to the rest: (word, {who: category name}).
AMBIGUOUS = (
    ("pants", {"GB": "pyjamas", "IN": "trousers", "": "trousers"}),
    ("jumper dress", {"GB": "sweater", "": "dress"}),
    ("pumps", {"GB": "sneakers", "IN": "sneakers", "": "heels"}),
    ("runner", {"DE": "rug", "FR": "rug", "": "sneakers"}),
    ("throw", {"US": "cushion", "": "blanket"}),
    ("glasses", {"IN": "mug", "DE": "mug", "": "sunglasses"}),
    ("studs", {"m": "boots", "": "earrings"}),
    ("chain", {"m": "belt", "": "necklace"}),
    ("pot", {"m": "kettle", "": "planter"}),
    ("shade", {"f": "lamp", "": "sunglasses"}),
    ("print", {"f": "dress", "": "wall art"}),
    ("case", {"m": "bookshelf", "": "handbag"}),
)

# Style: words of queries first; the rest are hints that descriptions and some titles give.
STYLES = {
    "minimalist": (("minimalist", "simple"), ("clean-lined", "understated", "pared-back", "uncluttered", "quiet")),
    "boho": (("boho", "bohemian"), ("fringed", "festival", "free-spirited", "macrame", "wanderer")),
    "rustic": (("rustic", "farmhouse"), ("weathered", "homespun", "cabin", "countryside", "hearth")),
    "industrial": (("industrial", "urban"), ("riveted", "loft", "raw-edged", "workshop", "utility")),
    "coastal": (("coastal", "nautical"), ("breezy", "seaside", "driftwood", "harbour", "salt-washed")),
    "vintage": (("vintage", "retro"), ("heirloom", "nostalgic", "faded", "flea-market", "old-world")),
    "scandi": (("scandi", "nordic"), ("hygge", "fjord", "birch-toned", "snowy", "cosy")),
    "romantic": (("romantic", "floral"), ("ruffled", "delicate", "lace-trimmed", "garden", "petal")),
    "sporty": (("sporty", "athletic"), ("breathable", "racer", "performance", "stadium", "quick-dry")),
    "gothic": (("gothic", "dark"), ("moody", "raven", "cathedral", "midnight", "thorned")),
    "preppy": (("preppy", "classic"), ("collegiate", "varsity", "crisp", "clubhouse", "tailored")),
    "glam": (("glam", "luxe"), ("sequined", "gilded", "sparkling", "art-deco", "showtime")),
}

COLOURS = {
    "green": ("forest green", "sage", "olive", "moss", "emerald"),
    "blue": ("navy blue", "sky", "teal", "cobalt", "indigo"),
    "red": ("cherry red", "crimson", "burgundy", "rust", "scarlet"),
    "pink": ("blush pink", "rose", "fuchsia", "salmon"),
    "white": ("off-white", "ivory", "cream", "chalk"),
    "black": ("jet black", "charcoal", "onyx", "ebony"),
    "brown": ("chestnut brown", "tan", "camel", "cognac", "mocha"),
    "grey": ("slate grey", "dove", "ash", "pewter"),
    "yellow": ("pale yellow", "mustard", "ochre", "lemon"),
    "purple": ("deep purple", "lavender", "plum", "lilac"),
}

MATERIALS = {
    "textile": ("wool", "cotton", "linen", "silk", "velvet", "cashmere"),
    "leather": ("leather", "suede", "canvas", "nubuck", "mesh"),
    "metal": ("steel", "brass", "silver", "titanium", "copper"),
    "wood": ("oak", "walnut", "pine", "bamboo", "rattan", "marble"),
    "ceramic": ("stoneware", "porcelain", "glass", "terracotta"),
}
ADJECTIVES = {
    "textile": ("ribbed", "brushed", "washed", "chunky", "soft", "woven"),
    "leather": ("grained", "waxed", "polished", "stitched", "padded"),
    "metal": ("hammered", "matte", "slim", "engraved", "polished"),
    "wood": ("solid", "carved", "low", "rounded", "reclaimed"),
    "ceramic": ("glazed", "speckled", "handmade", "fluted", "matte"),
}

# (words of the query, categories, style or None, hint in descriptions)
OCCASIONS = (
    ("wedding guest outfit", ("dress", "heels", "necklace", "jacket"), "romantic", "for wedding guests"),
    ("nursery ideas", ("rug", "lamp", "blanket", "wall art"), "scandi", "for the nursery"),
    ("home office", ("desk", "bookshelf", "lamp", "armchair"), "minimalist", "for the home office"),
    ("hiking gear", ("backpack", "boots", "jacket", "hat"), "sporty", "for the trail"),
    ("dorm room", ("desk", "cushion", "wall art", "lamp"), "vintage", "for student rooms"),
    ("gift for her", ("earrings", "necklace", "candle", "handbag", "scarf"), None, "a gift she keeps"),
    ("gift for him", ("watch", "belt", "mug", "backpack"), None, "a gift he uses"),
    ("beach holiday", ("sandals", "sunglasses", "hat", "dress"), "coastal", "for days by the sea"),
    ("date night", ("dress", "heels", "shirt", "earrings"), "glam", "for evenings out"),
    ("reading nook", ("armchair", "lamp", "blanket", "bookshelf"), "rustic", "for slow Sundays"),
    ("cottage kitchen", ("plate", "mug", "kettle", "curtains"), "rustic", "for the country kitchen"),
    ("gym wear", ("sneakers", "hoodie", "t-shirt", "backpack"), "sporty", "for training days"),
)

BRAND_HEADS = ("Oak", "Fern", "Har", "Mill", "North", "Sol", "Wren", "Ash", "Bram", "Lark", "Pine", "Vale", "Mar", "Kest")
BRAND_TAILS = ("line", "wick", "mere", "field", "haus", "way", "croft", "born", "well", "stead")

SUFFIXES = ("sale", "cheap", "online", "new", "best", "2025", "for women", "for men", "ideas", "near me")

# country: share of users, language, hours east of UTC
COUNTRIES = {
    "US": (0.34, "en", -6),
    "GB": (0.19, "en", 0),
    "DE": (0.16, "de", 1),
    "FR": (0.12, "fr", 1),
    "IN": (0.11, "en", 5),
    "BR": (0.08, "pt", -3),
}
GENDERS = {"f": 0.52, "m": 0.42, "x": 0.06}
DEVICES = {"mobile": (0.62, 10), "desktop": (0.3, 16), "tablet": (0.08, 12)}  # share, items on a page

CATEGORY_NAMES = [category.nouns[0] for category in CATEGORIES]
DEPARTMENTS = list(dict.fromkeys(category.department for category in CATEGORIES))
DEPARTMENT_OF = np.array([DEPARTMENTS.index(category.department) for category in CATEGORIES])
STYLE_NAMES, COLOUR_NAMES = list(STYLES), list(COLOURS)
BRANDS = [head + tail for head in BRAND_HEADS for tail in BRAND_TAILS]
COUNTRY_NAMES, GENDER_NAMES, DEVICE_NAMES = list(COUNTRIES), list(GENDERS), list(DEVICES)
