from hertzian.datasets.files import write_dataset
from hertzian.datasets.radioml import write_pickle

SUFFIXES = (".h5", ".npz", ".pkl")


def write_as(path, dataset, format=None, advance=None):
    (write_pickle if path.suffix == ".pkl" else write_dataset)(path, dataset)
