"""What the fictional shop sells: sixty kinds of things, in the words of both languages, and the makers of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Department:
    """A part of the shop.

    Args:
        en: Its name in English.
        zh: Its name in Chinese.
        kinds: Of each thing: English name, Chinese name, English note, Chinese note, usual price.
    """

    en: str
    zh: str
    kinds: tuple[tuple[str, str, str, str, float], ...]


@dataclass(frozen=True)
class Maker:
    """A fictional maker.

    Args:
        en: Name in English.
        zh: Name in Chinese.
        style: The taste it serves, a tag.
        says_en: What it says of its things.
        says_zh: The same in Chinese.
        factor: Of the usual price.
    """

    en: str
    zh: str
    style: str
    says_en: str
    says_zh: str
    factor: float


# ruff: noqa: E501 - a table of words, one thing a line
DEPARTMENTS = (
    Department("tea", "茶", (
        ("roasted oolong", "炭焙乌龙", "Slowly roasted over charcoal, with a warm scent of caramel", "炭火慢焙，焦糖香温厚", 68),
        ("jasmine green tea", "茉莉绿茶", "Scented seven times with fresh blossoms", "七窨茉莉，鲜灵持久", 52),
        ("aged white tea cake", "老白茶饼", "Pressed and rested for five years, good for simmering", "存放五年，宜煮饮", 158),
        ("gaiwan for one", "单人盖碗", "A thin bowl that stays cool at the rim", "薄胎敞口，不烫手", 88),
        ("bamboo tea tray", "竹制茶盘", "Drains into a drawer that lifts out", "抽屉式接水，拆洗方便", 129),
        ("cold brew bottle", "冷泡茶壶", "Fill it in the evening and pour in the morning", "睡前泡上，早晨就能喝", 79),
    )),
    Department("camping", "露营", (
        ("two-person tent", "双人帐篷", "Stands in four minutes and keeps a storm out", "四分钟搭好，防暴雨", 499),
        ("folding stove", "折叠炉具", "Boils a litre in three minutes, even in wind", "三分钟烧开一升水，抗风", 169),
        ("down sleeping bag", "羽绒睡袋", "Warm to minus five, packs to the size of a loaf", "零下五度可用，收纳小巧", 420),
        ("camp lantern", "营地灯", "A soft light that lasts three nights", "柔光，一次充电用三晚", 119),
        ("titanium mug", "钛杯", "Weighs as much as a letter", "轻得像一封信", 98),
        ("moon chair", "月亮椅", "Low, light and deep enough for a nap", "低矮舒适，可以打盹", 149),
    )),
    Department("books", "图书", (
        ("history of paper", "纸的历史", "How a sheet of pulp carried empires", "一张纸如何承载帝国", 59),
        ("detective novel", "侦探小说", "A locked room, a missing key and six liars", "密室、丢失的钥匙与六个说谎的人", 45),
        ("atlas of clouds", "云图", "Names for every sky, with photographs", "给每一片天空一个名字", 88),
        ("essays on walking", "行走随笔", "Twelve long walks and what they mended", "十二次远行，以及它们治愈的事", 42),
        ("introduction to statistics", "统计学入门", "From dice to regression without tears", "从骰子讲到回归，不吓人", 75),
        ("picture book for bedtime", "睡前绘本", "A fox counts the stars until it sleeps", "小狐狸数着星星睡着了", 38),
    )),
    Department("kitchen", "厨房", (
        ("carbon steel wok", "熟铁炒锅", "Seasoned at the works, ready for high heat", "出厂开锅，爆炒不粘", 239),
        ("chef's knife", "主厨刀", "Holds its edge through a season of onions", "久切不钝", 269),
        ("clay casserole", "砂锅", "For soups that take all afternoon", "一下午的慢炖", 135),
        ("digital scale", "厨房秤", "Reads to a tenth of a gram", "精确到零点一克", 69),
        ("bread tin", "吐司模", "A lid for square loaves, none for round", "加盖方包，去盖山形", 58),
        ("spice grinder", "磨粉机", "Turns peppercorns into dust in seconds", "几秒钟打出细粉", 149),
    )),
    Department("fitness", "健身", (
        ("yoga mat", "瑜伽垫", "Grips even in the last hot minute", "出汗也不打滑", 129),
        ("kettlebell", "壶铃", "One casting, no seam, a handle for both hands", "一体浇铸，双手可握", 179),
        ("running belt", "跑步腰包", "Holds keys and gel without a bounce", "装下钥匙和能量胶，不晃", 49),
        ("foam roller", "泡沫轴", "Firm ridges for tired calves", "放松小腿正合适", 79),
        ("skipping rope", "跳绳", "Ball bearings, a wire as fast as you are", "轴承顺滑，快慢随你", 39),
        ("resistance bands", "弹力带", "Five strengths in one small bag", "五种阻力，一袋装下", 59),
    )),
    Department("desk", "书桌", (
        ("mechanical keyboard", "机械键盘", "Quiet switches that still tell the finger", "静音轴，手感清晰", 359),
        ("fountain pen", "钢笔", "A fine nib that forgives haste", "细尖，写快也不断墨", 128),
        ("monitor arm", "显示器支架", "Moves with a fingertip and stays there", "一指可调，停在原处", 219),
        ("reading lamp", "护眼台灯", "Light without flicker, from candle to noon", "无频闪，冷暖可调", 199),
        ("felt desk pad", "毛毡桌垫", "Warms the wrist and hushes the mouse", "护腕静音", 69),
        ("dotted notebook", "点阵笔记本", "Paper that takes ink on both sides", "双面书写不透墨", 36),
    )),
    Department("garden", "园艺", (
        ("balcony planter", "阳台花箱", "Waters itself for a week", "自动吸水，一周不用管", 89),
        ("pruning shears", "修枝剪", "A clean cut and a spring that never jams", "切口平整，弹簧不卡", 76),
        ("tomato seeds", "番茄种子", "Seven old kinds, from plum to black", "七个老品种，从李形到黑果", 19),
        ("watering can", "长嘴浇水壶", "A long neck for the pots at the back", "细长壶嘴，够得到后排", 65),
        ("potting soil", "营养土", "Airy, rich, and free of peat", "疏松肥沃，不含泥炭", 32),
        ("orchid bark", "兰花植料", "Graded pine bark for roots that breathe", "分级松鳞，透气养根", 28),
    )),
    Department("audio", "音响", (
        ("noise-cancelling headphones", "降噪耳机", "The train goes quiet, the voice stays", "车厢安静下来，人声还在", 699),
        ("bookshelf speakers", "书架音箱", "Small boxes, a wide stage", "小箱体，大声场", 899),
        ("record player", "黑胶唱机", "A belt, a weight and a patient needle", "皮带驱动，唱针稳重", 1099),
        ("portable speaker", "便携音箱", "Floats in the pool and plays on", "掉进泳池也照样响", 239),
        ("USB microphone", "桌面麦克风", "Hears you, not your keyboard", "只收人声，不收键盘声", 329),
        ("ear tips", "记忆海绵耳塞套", "Foam that remembers your ears", "慢回弹，贴合耳道", 45),
    )),
    Department("pets", "宠物", (
        ("cat tree", "猫爬架", "Three floors and a window seat", "三层加窗台座", 299),
        ("slow feeder bowl", "慢食碗", "A maze that makes dinner last", "迷宫碗底，吃饭不再狼吞虎咽", 45),
        ("dog raincoat", "狗狗雨衣", "Dry to the tail, bright in the dark", "遮到尾巴，夜里反光", 89),
        ("grooming glove", "撸毛手套", "Takes the loose hair, leaves the purr", "带走浮毛，留下呼噜", 35),
        ("water fountain", "宠物饮水机", "Running water that whispers", "活水循环，几乎无声", 139),
        ("chew toy", "磨牙玩具", "Survives the jaws of a shepherd", "大型犬也咬不坏", 42),
    )),
    Department("toys", "玩具", (
        ("wooden train set", "木质火车", "Forty pieces of track and a bridge", "四十段轨道加一座桥", 189),
        ("marble run", "滚珠积木", "Towers, loops and a bell at the end", "高塔、回环，终点有铃", 159),
        ("thousand-piece puzzle", "千片拼图", "A harbour at dusk, with many blues", "黄昏港口，蓝色很多", 69),
        ("strategy board game", "策略桌游", "Trade silk, dodge pirates, in an hour", "贩丝绸，躲海盗，一小时一局", 168),
        ("microscope for children", "儿童显微镜", "Pond water becomes a zoo", "一滴池水就是动物园", 145),
        ("kite", "风筝", "Flies in a breeze and folds into a sleeve", "微风就能起飞", 55),
    )),
)  # fmt: skip

MAKERS = (
    Maker("Northlight", "北光", "plain", "Plain lines, nothing that need not be there.", "线条简单，没有多余。", 1.1),
    Maker("Old Ferry", "老渡口", "craft", "Made by hand in a small workshop by the river.", "河边小作坊手工制作。", 1.6),
    Maker("Kite & Co", "纸鸢", "playful", "Bright colours and a wink.", "颜色鲜亮，带点俏皮。", 0.95),
    Maker("Greenfold", "青折", "green", "Recycled stuff, repaired for life.", "可再生材料，终身维修。", 1.25),
    Maker("Daily Nine", "九日", "thrifty", "Good enough for every day, at half the price.", "日常够用，价格减半。", 0.55),
    Maker("Summit Works", "山行", "sturdy", "Tested in the mountains, built to be dropped.", "山里测试，经得起摔。", 1.3),
    Maker("Lanhe", "岚禾", "elegant", "Quiet elegance for a gift.", "素雅得体，适合送礼。", 1.8),
)  # fmt: skip
