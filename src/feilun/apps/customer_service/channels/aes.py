"""AES in CBC mode with PKCS#7 padding, as Feishu and WeCom encrypt their events."""

from __future__ import annotations

from feilun.apps.customer_service.channels.channel import Unverified
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark


def decrypted(cipher: bytes, key: bytes, start: bytes) -> bytes:
    """Return what was encrypted.

    Args:
        cipher: The blocks.
        key: 32 bytes.
        start: The initialisation vector, 16 bytes.

    Raises:
        Unverified: If it cannot have been encrypted with that key.
        MissingExtra: If cryptography is not installed.
    """
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise MissingExtra(
            "cryptography", "customer-service", Remark("Reading encrypted events", "解读加密的事件")
        ) from error
    if not cipher or len(cipher) % 16 or len(start) != 16 or len(key) != 32:
        raise Unverified(
            Remark("The event is not encrypted as it must be.", "事件没有按规定加密。"),
            Remark("Check the channel's secret on both sides.", "请核对两边的渠道密钥。"),
        )
    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    plain: bytes = decryptor.update(cipher) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= 32 or plain[-padding:] != bytes([padding]) * padding:  # WeCom pads to 32 bytes
        raise Unverified(
            Remark("The event is encrypted with another key.", "事件用的是另一个密钥。"),
            Remark("Check the channel's secret on both sides.", "请核对两边的渠道密钥。"),
        )
    return plain[:-padding]
