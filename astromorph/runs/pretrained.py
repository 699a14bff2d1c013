"""A trained classifier in a folder, to be used without its data set: settings, weights and, for text, the vocabulary.

    from astromorph import AstromorphicClassifier

    reader = AstromorphicClassifier.from_pretrained("runs/imdb-astromorphic-seed0")
    reader.predict(["What a film!"])             # probabilities, a row a text, a column a class
    reader.attention_weights("What a film!")     # what attention takes up of each word

The folder of a finished run is such a folder. Nothing in it is executed: YAML is read safely, weights are safetensors,
and names, sizes and values are checked. A digest of the weights, in a folder written here, is compared as well.
"""

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from astromorph.data.batches import pad
from astromorph.data.words import Vocabulary, encode, shorten, split_words
from astromorph.files.locks import alone
from astromorph.files.reasons import reason_of
from astromorph.files.tensors import load_weights
from astromorph.files.whole_files import whole
from astromorph.runs.attention_weights import attention_weights
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, TrainingSettings
from astromorph.tasks import build_model
from astromorph.tasks.build import task_module

AT_ONCE = 256  # inputs in a batch
DIGEST = "weights_sha256"  # among the provenance of a folder written here


class WordWeights(NamedTuple):
    """What each attention layer takes up of each word; see astromorph/runs/attention_weights.py for what that is.

    words: those the model reads, in order; known: whether they are in its vocabulary; heads: (layers, heads, words).
    """

    words: list[str]
    known: list[bool]
    heads: Tensor

    @property
    def weights(self) -> Tensor:
        """(words,): the mean over the heads of the last layer, which the classifier reads."""
        return self.heads[-1].mean(0)


class AstromorphicClassifier:
    """A trained model that classifies texts or images, with any of the attention mechanisms."""

    def __init__(
        self,
        model: nn.Module,
        data_set: str,
        settings: TrainingSettings,
        response: CalciumResponse | None,
        vocabulary: Vocabulary | None = None,
        provenance: Mapping[str, str] = {},
    ) -> None:
        self.model = model.eval()
        self.data_set = data_set
        self.settings = settings
        self.response = response
        self.vocabulary = vocabulary
        self.provenance = dict(provenance)
        self.class_names: tuple[str, ...] = task_module(settings).CLASS_NAMES

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike) -> "AstromorphicClassifier":
        """The model in the folder of a run or one that `save_pretrained` wrote, or a shipped one by its name.

        FileNotFoundError if a file is missing, ValueError if one is damaged, altered or of another model.
        """
        folder = RunFolder.open(path)
        if folder.settings.kind != "classifier":
            raise ValueError(f"{path} is trained on {folder.data_set} and classifies nothing; use another run")
        vocabulary = None if folder.settings.longest_text is None else read_vocabulary(folder.path)
        model = build_model(folder.settings, folder.response, None if vocabulary is None else len(vocabulary))
        weights = folder.path / "weights.safetensors"
        if not weights.is_file():
            raise FileNotFoundError(f"{weights} is missing; train to the end of an epoch, or copy the whole folder")
        load_weights(model, folder.weights)
        return cls(model, folder.data_set, folder.settings, folder.response, vocabulary, folder.provenance)

    def save_pretrained(self, path: str | os.PathLike, *, half: bool = False, overwrite: bool = False) -> None:
        """Write settings.yaml, weights.safetensors and vocabulary.json; FileExistsError as for a new run.

        half: weights in 16 bits, computed with in 32 bits when they are read again.
        """
        stored = lambda tensor: tensor.half() if half and tensor.is_floating_point() else tensor
        content = save({name: stored(tensor.detach()).contiguous() for name, tensor in self.model.state_dict().items()})
        refuse_trained_run(Path(path))
        with alone(Path(path)):
            self._saved(Path(path), content, overwrite)

    def _saved(self, path: Path, content: bytes, overwrite: bool) -> None:
        folder = RunFolder.create(
            path, self.data_set, self.settings, self.response, overwrite=overwrite, provenance=self.provenance
        )
        if self.vocabulary is not None:
            folder.write_json("vocabulary.json", self.vocabulary.to_list())
        with whole(folder.path / "weights.safetensors") as part:
            part.write_bytes(content)
        folder.write_settings(self.provenance | folder.digests())

    @torch.no_grad()
    def predict(self, inputs: Iterable[str] | np.ndarray | Tensor) -> Tensor:
        """Probabilities (n, classes) of n texts, or of images (n, channels, height, width) as the data set has them.

        Pixels are 0 to 255 for cifar10 and 0 to 16 for digits; `read_picture` of astromorph/data/image_file.py makes
        them from a file. Computed in float32. A text of which the model knows no word is as likely of every class, with
        a warning. ValueError for what is no input of this model.
        """
        given = listed(inputs)
        batches = self._texts(given) if self.vocabulary is not None else self._images(given)
        device = next(self.model.parameters()).device
        logits = torch.cat([self.model(*(each.to(device) for each in batch)).float() for batch in batches])
        if self.vocabulary is not None:
            logits[self._unread(given)] = 0.0
        return logits.softmax(1).cpu()

    def _unread(self, texts: Sequence[str]) -> list[int]:
        """Which texts hold no word that the model knows, marks such as ! and ... aside; a warning if there are any."""
        assert self.vocabulary is not None
        known = self.vocabulary.numbers
        read = [any(word in known and word.strip("!?.*") for word in split_words(text)) for text in texts]
        unread = [place for place, any_read in enumerate(read) if not any_read]
        if unread:
            warnings.warn(
                f"the text {texts[unread[0]][:40]!r} holds no word that this model knows, so all classes are given the "
                "same probability; give texts in the language that it was trained on",
                stacklevel=4,  # torch's no_grad stands between
            )
        return unread

    def attention_weights(self, text: str) -> WordWeights:
        """What attention takes up of each word of a text. ValueError if the model reads none, or no words."""
        if self.vocabulary is None:
            raise ValueError(f"a model of {self.data_set} reads images, not words; use one trained on imdb")
        recurrent = getattr(self.model, "recurrent", None)
        if recurrent is not None:
            raise ValueError(
                f"this model reads {len(recurrent.factors)} segments with a memory between them, so its words have no "
                "one weight; use one trained with --segments 1"
            )
        (inputs,) = self._texts([text])
        device = next(self.model.parameters()).device
        layers = attention_weights(self.model, tuple(each.to(device) for each in inputs))
        if not layers:
            raise ValueError(f"this model has no attention layer ({self.settings.variant}), so its words no weights")
        split = split_words(text)
        words = [split[place] for place in self._shortened(np.arange(len(split)))]
        known = [word in self.vocabulary.numbers for word in words]
        return WordWeights(words, known, torch.stack([layer[0, :, : len(words)] for layer in layers]).cpu())

    def _shortened(self, words: np.ndarray) -> np.ndarray:
        """Longer texts keep their beginning and end, as in training."""
        assert self.settings.longest_text is not None
        return shorten(words, *self.settings.longest_text)

    def _texts(self, texts: Any) -> list[tuple[Tensor, ...]]:
        """Batches of words and masks."""
        assert self.vocabulary is not None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or not len(texts):
            raise ValueError(
                f"a model of {self.data_set} classifies a list of texts; give one, such as ['What a film!']"
            )
        for text in texts:
            if not split_words(text):
                raise ValueError(f"the text {text[:40]!r} holds no word; give one that does")
        short = [self._shortened(each) for each in encode(texts, self.vocabulary)]
        return [pad(short[i : i + AT_ONCE], 1) for i in range(0, len(short), AT_ONCE)]

    def _images(self, images: Any) -> list[tuple[Tensor, ...]]:
        """Batches of normalised pixels."""
        task = task_module(self.settings)
        mean, deviation = (torch.tensor(values).view(1, -1, 1, 1) for values in (task.MEAN, task.DEVIATION))
        pixels = numbers(images)
        if pixels.dim() != 4 or tuple(pixels.shape[1:]) != task.SIZE or not len(pixels):
            raise ValueError(
                f"a model of {self.data_set} classifies images of shape (n, {', '.join(map(str, task.SIZE))}), "
                f"not {tuple(pixels.shape)}; read a file with read_picture"
            )
        normalised = (pixels.float() - mean) / deviation
        return [(part.contiguous(memory_format=torch.channels_last),) for part in normalised.split(AT_ONCE)]


def listed(inputs: Any) -> Any:
    """What any iterable but one text or an array of numbers holds, as a list."""
    if isinstance(inputs, str | bytes | Tensor) or (isinstance(inputs, np.ndarray) and inputs.dtype.kind not in "USO"):
        return inputs
    unordered = isinstance(inputs, Mapping | Set) or hasattr(inputs, "columns")  # would give names, or any order
    return list(inputs) if isinstance(inputs, Iterable) and not unordered else inputs


def numbers(images: Any) -> Tensor:
    """Pixels as a tensor; without axes if they are none."""
    try:
        return torch.as_tensor(np.asarray(images))
    except (TypeError, ValueError):
        return torch.zeros(())


def read_vocabulary(path: Path) -> Vocabulary:
    """vocabulary.json of a folder; FileNotFoundError or ValueError in one sentence."""
    file = path / "vocabulary.json"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing, without it words have no numbers; copy the whole folder")
    try:
        return Vocabulary.from_list([str(word) for word in json.loads(file.read_text(encoding="utf-8"))])
    except (ValueError, TypeError) as error:
        reason = reason_of(error, "it is no list of words in JSON")
        raise ValueError(f"{file} is no vocabulary ({reason}); copy the folder again") from error


def refuse_trained_run(path: Path) -> None:
    """FileExistsError if `path` is the folder of a training, whose metrics and result an export would remove."""
    for name in ("metrics.csv", "summary.json", "checkpoint.safetensors"):
        if (path / name).exists():
            raise FileExistsError(f"{path} is the run of a training ({name}); an export goes to another folder")
