import lightning
import pytest
import torch

from hertzian.datasets.presets import PRESETS
from hertzian.signal import HertzianError
from hertzian.training.drawing import DrawnBatches, PresetData
from hertzian.training.supervised import Supervised


class Moments(torch.nn.Module):
    """Tells classes from a few moments of a window: little to learn, quickly learned."""

    def __init__(self, classes):
        super().__init__()
        self.head = torch.nn.Sequential(
            torch.nn.BatchNorm1d(6),
            torch.nn.Linear(6, 16),
            torch.nn.ReLU(),
            torch.nn.Linear(16, classes),
        )

    def forward(self, x):
        z = torch.complex(x[:, 0], x[:, 1])
        z = z / z.abs().square().mean(dim=1, keepdim=True).sqrt()
        moments = [z.mean(1).abs(), (z**2).mean(1).abs(), (z**4).mean(1).abs()]
        moments += [
            z.abs().std(1),
            (z.abs() ** 4).mean(1),
            (z[:, 1:] * z[:, :-1].conj()).angle().std(1),
        ]
        return self.head(torch.stack(moments, dim=1))


def windows(batch):
    return {window.tobytes() for window in batch[0].numpy()}


def test_a_batch_is_determined_by_its_number_and_mixes_cells():
    drawn = DrawnBatches("rml2016-10a", 3, 512)
    x, labels = drawn[5]
    assert (x.shape, x.dtype, labels.dtype) == ((512, 2, 128), torch.float32, torch.int64)
    again, _ = DrawnBatches("rml2016-10a", 3, 512)[5]
    assert torch.equal(x, again)
    assert len(torch.unique(labels)) >= 8


def test_no_window_comes_twice_and_every_cell_comes_as_often():
    drawn = DrawnBatches("sigzsl-7", 0, 64, snr_db=(0, 10), alike=4)
    batches = [drawn[number] for number in range(7)]
    seen = set().union(*map(windows, batches))
    assert len(seen) == 7 * 64
    counts = torch.bincount(torch.cat([labels for _, labels in batches]), minlength=7)
    # 14 cells of 4 windows, eight turns
    assert counts.tolist() == [64] * 7


@pytest.mark.parametrize("workers", [0, 2])
def test_the_data_do_not_depend_on_workers(workers):
    data = PresetData("rml2016-10a", batch_size=64, batches=3, workers=workers, snr_db=(10,))
    loaded = [x for x, _ in data.train_dataloader()]
    wanted = DrawnBatches("rml2016-10a", 0, 64, snr_db=(10,))
    for number, x in enumerate(loaded):
        assert torch.equal(x, wanted[number][0])


def test_epochs_follow_each_other():
    data = PresetData("rml2016-10a", batch_size=64, batches=2, snr_db=(10,))
    loader = data.train_dataloader()
    first = set().union(*map(windows, loader))
    loader.sampler.set_epoch(1)
    second = set().union(*map(windows, loader))
    assert not first & second
    assert len(first | second) == 256


def test_validation_is_fixed_and_apart():
    data = PresetData("rml2016-10a", batch_size=64, batches=2, snr_db=(10,), validation_per=4)
    data.setup("fit")
    held = set().union(*map(windows, data.val_dataloader()))
    assert len(held) == 44
    data.setup("fit")
    assert held == set().union(*map(windows, data.val_dataloader()))
    assert not held & set().union(*map(windows, data.train_dataloader()))


def test_protocols_are_a_target_where_there_are_some():
    data = PresetData("radcom-awgn", batch_size=64, batches=1, snr_db=(10,), target="protocol")
    assert data.classes == PRESETS["radcom-awgn"].protocols
    _, labels = next(iter(data.train_dataloader()))
    assert int(labels.max()) < 11
    with pytest.raises(HertzianError, match="has no protocols"):
        PresetData("rml2016-10a", target="protocol")


def test_a_trainer_learns_from_what_is_drawn(tmp_path):
    lightning.seed_everything(0, verbose=False)
    data = PresetData("sigzsl-7", batch_size=112, batches=20, snr_db=(10,), validation_per=20)
    learner = Supervised(Moments(7), 7, 0.03, 3, 20, augmented=False)
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(learner, datamodule=data)
    # chance is 1/7
    assert float(trainer.callback_metrics["validation_accuracy"]) > 0.45


@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 60}, {"batch_size": 8}, {"seed": -1}, {"snr_db": ()}, {"target": "x"}],
)
def test_impossible_arguments_are_refused(changes):
    arguments = {"preset": "rml2016-10a", "seed": 0, "batch_size": 64} | changes
    with pytest.raises(HertzianError, match=r"not possible|a target is"):
        DrawnBatches(**arguments)
