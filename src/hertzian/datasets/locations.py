"""Where the published datasets are, and what is known of their files.

Digests are rare: where `sha256` is given, `sha256_from` says who found it; where it is None, the
first download is trusted and its digest kept.
"""

from dataclasses import dataclass
from typing import Any

from hertzian.datasets.dataset import DatasetError

_CC_BY_NC_SA = "CC BY-NC-SA 4.0"
_GB = 10**9


@dataclass(frozen=True)
class Location:
    """One published dataset as a file on the web.

    Attributes:
        name: as `published.py` calls it.
        url: of the file; None where it cannot be fetched without an account.
        file: the name of the file, here and there.
        size: of the file in bytes; None where nobody says.
        sha256: of the file, 64 hexadecimal digits; None where nobody says.
        sha256_from: who says so.
        members: base names of what is unpacked; the archive must hold each of them once.
        unpacked_size: the sum of the members in bytes; None where nobody says.
        unpacked_limit: an archive that claims to hold more bytes is refused.
        licence: of the data.
        page: what a person should read.
        access: how to get the file where the server does not simply send it.
    """

    name: str
    url: str | None
    file: str
    size: int | None
    sha256: str | None
    sha256_from: str | None
    members: tuple[str, ...]
    unpacked_size: int | None
    unpacked_limit: int
    licence: str
    page: str
    access: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as `data fetch --list --json` prints them."""
        return dict(vars(self))


_DEEPSIG = "https://opendata.deepsig.io/datasets/"
_DEEPSIG_PAGE = "https://www.deepsig.ai/datasets/"
_DEEPSIG_ACCESS = "fill in its form, which sends a link by e-mail"
# By the project NA-LMSCNet, whose sizes of what is inside agree with those that others publish.
_RECORDED = "recorded by others of a download in 2026; the publisher gives none"

_ANDRO = "https://www.androcs.com/uploads/"
_ANDRO_PAGE = "https://github.com/ANDROComputationalSolutions/RadarCommDataset"
_ANDRO_ACCESS = "follow its download link"

LOCATIONS: tuple[Location, ...] = (
    Location(
        name="RML2016.10a",
        url=_DEEPSIG + "2016.10/RML2016.10a.tar.bz2",
        file="RML2016.10a.tar.bz2",
        size=228_491_318,
        sha256="7a1603dd61e557f45b6e113dc0c59be02a14509b77856c31bbb324a993f7974c",
        sha256_from=_RECORDED,
        members=("RML2016.10a_dict.pkl",),
        unpacked_size=640_919_653,
        unpacked_limit=1 * _GB,
        licence=_CC_BY_NC_SA,
        page=_DEEPSIG_PAGE,
        access=_DEEPSIG_ACCESS,
    ),
    Location(
        name="RML2016.10b",  # no longer on the publisher's page, so its link may be dead
        url=_DEEPSIG + "2016.10/RML2016.10b.tar.bz2",
        file="RML2016.10b.tar.bz2",
        size=None,
        sha256=None,
        sha256_from=None,
        members=("RML2016.10b.dat",),
        unpacked_size=None,
        unpacked_limit=5 * _GB,
        licence=_CC_BY_NC_SA,
        page=_DEEPSIG_PAGE,
        access=_DEEPSIG_ACCESS,
    ),
    Location(
        name="RML2016.04C",
        url=_DEEPSIG + "2016.04/2016.04C.multisnr.tar.bz2",
        file="2016.04C.multisnr.tar.bz2",
        size=None,
        sha256=None,
        sha256_from=None,
        members=("2016.04C.multisnr.pkl",),
        unpacked_size=None,
        unpacked_limit=1 * _GB,
        licence=_CC_BY_NC_SA,
        page=_DEEPSIG_PAGE,
        access=_DEEPSIG_ACCESS,
    ),
    Location(
        name="RML2018.01A",
        url=_DEEPSIG + "2018.01/2018.01.OSC.0001_1024x2M.h5.tar.gz",
        file="2018.01.OSC.0001_1024x2M.h5.tar.gz",
        size=19_342_413_140,
        sha256="90725106c5fb08ad603d55ab22864eb0c80869f861a14e3c7835180957af8fd3",
        sha256_from=_RECORDED,
        members=("GOLD_XYZ_OSC.0001_1024.hdf5",),  # its classes.txt is in the wrong order
        unpacked_size=21_449_148_312,
        unpacked_limit=22 * _GB,
        licence=_CC_BY_NC_SA,
        page=_DEEPSIG_PAGE,
        access=_DEEPSIG_ACCESS,
    ),
    Location(
        name="HisarMod2019.1",
        url=None,
        file="HisarMod2019.1.zip",
        size=None,  # its page says 5.13 GB
        sha256=None,
        sha256_from=None,
        members=(
            *("train_data.csv", "train_labels.csv", "train_snr.csv"),
            *("test_data.csv", "test_labels.csv", "test_snr.csv"),
        ),
        unpacked_size=None,
        unpacked_limit=80 * _GB,
        licence="not stated on its page",
        page="https://ieee-dataport.org/open-access/"
        "hisarmod-new-challenging-modulated-signals-dataset",
        access="log in to IEEE DataPort, where open-access sets want a free account",
    ),
    Location(
        name="RadComDynamic",
        url=_ANDRO + "RadComDynamic.zip",
        file="RadComDynamic.zip",
        size=None,
        sha256=None,
        sha256_from=None,
        members=("RadComDynamic.hdf5",),
        unpacked_size=None,
        unpacked_limit=4 * _GB,
        licence=_CC_BY_NC_SA,
        page=_ANDRO_PAGE,
        access=_ANDRO_ACCESS,
    ),
    Location(
        name="RadComAWGN",
        url=_ANDRO + "RadComAWGN.zip",
        file="RadComAWGN.zip",
        size=None,
        sha256=None,
        sha256_from=None,
        members=("RadComAWGN.hdf5",),
        unpacked_size=None,
        unpacked_limit=4 * _GB,
        licence=_CC_BY_NC_SA,
        page=_ANDRO_PAGE,
        access=_ANDRO_ACCESS,
    ),
    Location(
        name="RadComOta",
        url=_ANDRO + "RadComOta2.45GHz.zip",
        file="RadComOta2.45GHz.zip",
        size=436_574_633,
        sha256="ecf7eaf40aa92bf78c25c0262871c188f8305a8b79230f7834ea278f9c969a0a",
        sha256_from="of the file of this name in the authors' repository (its Git LFS pointer)",
        members=("RadComOta2.45GHz.hdf5",),
        unpacked_size=None,
        unpacked_limit=8 * _GB,
        licence=_CC_BY_NC_SA,
        page=_ANDRO_PAGE,
        access=_ANDRO_ACCESS,
    ),
)
"""Every dataset that can be fetched, in the order of `data fetch --list`."""


def find_location(name: str) -> Location:
    """Return the location of a dataset; case and punctuation of its name do not matter.

    Raises:
        DatasetError: no published dataset is called that.
    """
    for location in LOCATIONS:
        if _plain(location.name) == _plain(name):
            return location
    known = ", ".join(location.name for location in LOCATIONS)
    raise DatasetError(f"no published dataset is called {name!r}; known are {known}")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
