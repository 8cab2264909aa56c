"""Standard vectors, and both directions against an independent implementation (gmssl)."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gmssl import func
from gmssl import sm2 as gmssl_sm2
from gmssl import sm3 as gmssl_sm3
from gmssl import sm4 as gmssl_sm4
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.runtime import crypto
from xingwei.base.runtime.crypto import CryptoError, FileSigner, SecretBox, sm2_verify, sm3

# GB/T 32905-2016, annex A
SM3_VECTORS = [
    (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
]
# RFC 8998, appendix A.1
GCM = {
    "key": "0123456789abcdeffedcba9876543210",
    "nonce": "00001234567800000000abcd",
    "associated": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "plain": "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
    "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    "cipher": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    "tag": "83de3541e4c2b58177e065a9bf7b62ec",
}
# GB/T 32918.5-2017, annex A.2: identity "1234567812345678", message "message digest"
SM2_PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SM2_R = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
SM2_S = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> FileSigner:
    return FileSigner(tmp_path_factory.mktemp("keys"))


def der(r: str, s: str) -> bytes:
    def integer(h: str) -> bytes:
        raw = bytes.fromhex(h)
        raw = b"\0" + raw if raw[0] & 0x80 else raw
        return bytes([2, len(raw)]) + raw

    body = integer(r) + integer(s)
    return bytes([0x30, len(body)]) + body


class TestSM3:
    @pytest.mark.parametrize(("message", "digest"), SM3_VECTORS)
    def test_standard_vectors(self, message: bytes, digest: str) -> None:
        assert sm3(message).hex() == digest

    @given(st.binary(max_size=300))
    @settings(max_examples=40, deadline=None)
    def test_agrees_with_gmssl(self, message: bytes) -> None:
        assert sm3(message).hex() == gmssl_sm3.sm3_hash(func.bytes_to_list(message))

    def test_hmac_is_the_construction_of_rfc_2104(self) -> None:
        key, message = b"k" * 20, b"message"
        block = key.ljust(64, b"\0")
        inner = sm3(bytes(b ^ 0x36 for b in block) + message)
        assert crypto.hmac_sm3(key, message) == sm3(bytes(b ^ 0x5C for b in block) + inner)


class TestSM4:
    def test_rfc_8998_vector(self) -> None:
        v = {k: bytes.fromhex(x) for k, x in GCM.items()}
        sealed = crypto.sm4_gcm_encrypt(v["key"], v["nonce"], v["plain"], v["associated"])
        assert sealed == v["cipher"] + v["tag"]
        assert crypto.sm4_gcm_decrypt(v["key"], v["nonce"], sealed, v["associated"]) == v["plain"]

    def test_block_cipher_is_that_of_gbt_32907_and_of_gmssl(self) -> None:
        """GCM's key stream is the cipher over a counter: gmssl's blocks must give the same ciphertext."""
        key, nonce, plain = bytes(range(16)), b"n" * 12, b"0123456789abcdef" * 3
        block = gmssl_sm4.CryptSM4()
        standard = bytes.fromhex("0123456789abcdeffedcba9876543210")
        block.set_key(standard, gmssl_sm4.SM4_ENCRYPT)
        annex_a1 = "681edf34d206965e86b3e94f536e4246"
        assert block.crypt_ecb(standard)[:16].hex() == annex_a1
        block.set_key(key, gmssl_sm4.SM4_ENCRYPT)
        stream = b"".join(block.crypt_ecb(nonce + (i + 2).to_bytes(4, "big"))[:16] for i in range(3))
        expected = bytes(a ^ b for a, b in zip(plain, stream, strict=True))
        assert crypto.sm4_gcm_encrypt(key, nonce, plain, b"")[:-16] == expected


class TestSecretBox:
    def test_round_trip_and_nothing_readable_in_the_token(self, tmp_path: Path) -> None:
        box = SecretBox(tmp_path)
        token = box.encrypt("口令 p@ss", purpose="estate.database.1")
        assert SecretBox(tmp_path).decrypt(token, purpose="estate.database.1") == "口令 p@ss"
        assert "p@ss" not in token
        assert box.encrypt("口令 p@ss", purpose="estate.database.1") != token  # a new nonce each time

    def test_a_token_opens_only_where_it_belongs(self, tmp_path: Path) -> None:
        box = SecretBox(tmp_path)
        token = box.encrypt("x", purpose="row.1")
        with pytest.raises(CryptoError, match="用途"):
            box.decrypt(token, purpose="row.2")

    def test_every_changed_byte_is_found(self, tmp_path: Path) -> None:
        box = SecretBox(tmp_path)
        head, _, body = box.encrypt("secret", purpose="p").rpartition(".")
        for i, letter in enumerate(body.rstrip("=")[:-1]):
            forged = f"{head}.{body[:i]}{'A' if letter != 'A' else 'B'}{body[i + 1 :]}"
            with pytest.raises(CryptoError):
                box.decrypt(forged, purpose="p")

    @pytest.mark.parametrize(
        "token", ["", "x", "sm4", "sm4.1.", "sm4.1.你好", "sm4.../../etc/passwd.AAAA", "sm4.0000.AA=="]
    )
    def test_nonsense_is_refused_in_words(self, tmp_path: Path, token: str) -> None:
        with pytest.raises(CryptoError):
            SecretBox(tmp_path).decrypt(token, purpose="p")

    def test_rotation_keeps_old_tokens_readable(self, tmp_path: Path) -> None:
        box = SecretBox(tmp_path)
        old = box.encrypt("old", purpose="p")
        new_id = box.rotate()
        new = box.encrypt("new", purpose="p")
        assert new.split(".")[1] == new_id != old.split(".")[1]
        assert (box.decrypt(old, purpose="p"), box.decrypt(new, purpose="p")) == ("old", "new")

    def test_a_lost_key_is_named(self, tmp_path: Path) -> None:
        box = SecretBox(tmp_path)
        token = box.encrypt("x", purpose="p")
        for key in tmp_path.glob("*.key"):
            key.unlink()
        with pytest.raises(CryptoError, match="密钥文件"):
            box.decrypt(token, purpose="p")

    def test_first_use_by_many_at_once_makes_one_key(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(lambda i: SecretBox(tmp_path).encrypt(str(i), purpose="p"), range(24)))
        assert len({t.split(".")[1] for t in tokens}) == 1
        assert [SecretBox(tmp_path).decrypt(t, purpose="p") for t in tokens] == [str(i) for i in range(24)]

    def test_files_are_for_their_owner_only(self, tmp_path: Path) -> None:
        SecretBox(tmp_path / "secret").encrypt("x", purpose="p")
        files = [f for f in (tmp_path / "secret").iterdir() if f.suffix == ".key"]
        assert files
        assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files)


class TestSM2:
    def test_signature_of_the_standard_verifies(self) -> None:
        public = b"\x04" + bytes.fromhex(SM2_PUBLIC)
        assert sm2_verify(public, b"message digest", der(SM2_R, SM2_S))
        assert not sm2_verify(public, b"message digesT", der(SM2_R, SM2_S))

    def test_gmssl_verifies_ours(self, signer: FileSigner) -> None:
        other = gmssl_sm2.CryptSM2(private_key="", public_key=signer.public_key[1:].hex(), asn1=True)
        assert other.verify_with_sm3(signer.sign("链头".encode()).hex(), "链头".encode())

    def test_we_verify_gmssl(self) -> None:
        other = gmssl_sm2.CryptSM2(private_key=SM2_PRIVATE, public_key=SM2_PUBLIC, asn1=True)
        signature = bytes.fromhex(other.sign_with_sm3(b"abc"))
        assert sm2_verify(b"\x04" + bytes.fromhex(SM2_PUBLIC), b"abc", signature)

    @pytest.mark.parametrize("signature", [b"", b"0", b"\x30\x00", der(SM2_R, SM2_S)[:-1], b"\xff" * 70])
    def test_nonsense_is_not_a_signature(self, signer: FileSigner, signature: bytes) -> None:
        assert not signer.verify(b"message", signature)

    @pytest.mark.parametrize("public", [b"", b"\x04" * 65, b"\x02" + b"\x01" * 32, b"\x00" * 65])
    def test_nonsense_is_not_a_public_key(self, public: bytes) -> None:
        assert not sm2_verify(public, b"message", der(SM2_R, SM2_S))

    def test_the_key_is_made_once_and_only_its_owner_reads_it(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            signers = list(pool.map(lambda _: FileSigner(tmp_path / "k"), range(8)))
        assert len({s.key_id for s in signers}) == 1
        assert stat.S_IMODE((tmp_path / "k" / "journal.sm2.pem").stat().st_mode) == 0o600
        assert signers[0].verify(b"m", signers[7].sign(b"m"))
        assert not list((tmp_path / "k").glob(".*"))  # no scratch files left

    def test_old_public_keys_stay_known_after_a_change(self, tmp_path: Path) -> None:
        first = FileSigner(tmp_path)
        (tmp_path / "journal.sm2.pem").unlink()
        second = FileSigner(tmp_path)
        known = crypto.known_public_keys(tmp_path)
        assert known == {first.key_id: first.public_key, second.key_id: second.public_key}

    def test_a_public_key_under_a_false_name_is_not_known(self, tmp_path: Path, signer: FileSigner) -> None:
        (tmp_path / "journal-0011223344556677.pub").write_text(signer.public_key.hex())
        assert crypto.known_public_keys(tmp_path) == {}

    def test_a_broken_key_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "journal.sm2.pem").write_text("nonsense")
        with pytest.raises(CryptoError, match=r"journal\.sm2\.pem"):
            FileSigner(tmp_path)


class FakeHsm:
    key_id = "hsm"
    public_key = b"\x04" + b"\x01" * 64

    def sign(self, message: bytes) -> bytes:
        return b"signed"

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == b"signed"


def make_hsm(directory: Path, name: str) -> FakeHsm:
    return FakeHsm()


class TestLoadSigner:
    def test_a_device_replaces_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XINGWEI_SIGNER", f"{__name__}:make_hsm")
        signer = crypto.load_signer(tmp_path)
        assert signer.sign(b"m") == b"signed"
        assert not (tmp_path / "journal.sm2.pem").exists()
        assert signer.public_key in crypto.known_public_keys(tmp_path).values()

    @pytest.mark.parametrize("spec", ["no.such.module:x", "os:nothing", "os:getcwd", "nonsense"])
    def test_a_wrong_device_is_refused_in_words(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
    ) -> None:
        monkeypatch.setenv("XINGWEI_SIGNER", spec)
        with pytest.raises(CryptoError):
            crypto.load_signer(tmp_path)

    def test_without_one_the_file_signs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("XINGWEI_SIGNER", raising=False)
        assert isinstance(crypto.load_signer(tmp_path), crypto.Signer)
        assert (tmp_path / "journal.sm2.pem").exists()
