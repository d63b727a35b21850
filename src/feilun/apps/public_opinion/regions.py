"""What a region is called: 广东, 广东省, 中国广东, 廣東省 and Guangdong Province are one, as others' names are.

Other places, cities and countries among them, are called as their source calls them.
"""

from __future__ import annotations

import re

PROVINCES = {
    "beijing": "北京", "tianjin": "天津", "hebei": "河北", "shanxi": "山西", "inner mongolia": "内蒙古",
    "liaoning": "辽宁", "jilin": "吉林", "heilongjiang": "黑龙江", "shanghai": "上海", "jiangsu": "江苏",
    "zhejiang": "浙江", "anhui": "安徽", "fujian": "福建", "jiangxi": "江西", "shandong": "山东", "henan": "河南",
    "hubei": "湖北", "hunan": "湖南", "guangdong": "广东", "guangxi": "广西", "hainan": "海南", "chongqing": "重庆",
    "sichuan": "四川", "guizhou": "贵州", "yunnan": "云南", "tibet": "西藏", "shaanxi": "陕西", "gansu": "甘肃",
    "qinghai": "青海", "ningxia": "宁夏", "xinjiang": "新疆", "taiwan": "台湾", "hong kong": "香港", "macau": "澳门",
}  # fmt: skip
"""The divisions of the first level by their English names (GB/T 2260)."""

OTHERWISE = {"neimenggu": "内蒙古", "xizang": "西藏", "macao": "澳门", "hongkong": "香港"}
CITIES = {
    f"{name}{ending}": PROVINCES[city]
    for city in ("beijing", "tianjin", "shanghai", "chongqing")
    for name, ending in ((PROVINCES[city], "市"), (city, " city"), (city, " municipality"))
}
"""Cities that are such a division; another one of a province's name, such as 吉林市, is a place in it."""

NAMES = {**PROVINCES, **OTHERWISE, **CITIES, **{name: name for name in PROVINCES.values()}}

SIMPLER = str.maketrans("廣東蘇遼寧龍陝肅內貴雲臺灣門慶區別壯維爾國", "广东苏辽宁龙陕肃内贵云台湾门庆区别壮维尔国")
"""The traditional characters that stand in these names."""

BEFORE = re.compile(r"^(?:中国|china[\s,]+)")
BEHIND = re.compile(
    r"(?:(?:壮族|回族|维吾尔)?自治区|特别行政区|省"
    r"|[\s,]*(?:(?:zhuang|hui|uy?ghur)?\s*autonomous region|province|sar))?(?:[\s,]+china)?$"
)


def region_name(text: str) -> str:
    """Return what a region is called here: a province by its short Chinese name, another place as it is.

    Args:
        text: A region as a source calls it, or as somebody asks for it.
    """
    simple = BEFORE.sub("", text.strip().lower().translate(SIMPLER))
    return NAMES.get(BEHIND.sub("", simple).strip(), text.strip())
