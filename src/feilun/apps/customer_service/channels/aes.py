"""AES in CBC mode with PKCS#7 padding, as Feishu and WeCom encrypt their events."""

from __future__ import annotations

from feilun.apps.customer_service.channels.channel import Unverified
from feilun.core.errors import MissingExtra


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
        raise MissingExtra("cryptography", "customer-service", "Reading encrypted events") from error
    if not cipher or len(cipher) % 16 or len(start) != 16 or len(key) != 32:
        raise Unverified("The event is not encrypted as it must be.", "Check the channel's secret on both sides.")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    plain: bytes = decryptor.update(cipher) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= 32 or plain[-padding:] != bytes([padding]) * padding:  # WeCom pads to 32 bytes
        raise Unverified("The event is encrypted with another key.", "Check the channel's secret on both sides.")
    return plain[:-padding]
