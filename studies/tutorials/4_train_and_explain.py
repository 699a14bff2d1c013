# %% [markdown]
# # Train a small transformer, and ask it why
#
# The images are handwritten digits of 8 by 8 pixels that come with the package. One convolution makes sixteen tokens of
# an image, one layer of astromorphic attention lets them look at each other, and a classifier reads the result.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from astromorph import AstromorphicClassifier
from astromorph.data.digits import load_digits
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.shipped import shipped_models
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training.loop import train
from studies.attention import word_weights
from studies.report import run_sheet

OUT = Path("tutorials")
OUT.mkdir(exist_ok=True)

# %% [markdown]
# A training is a folder: its settings, a row an epoch, the weights of the best epoch by validation, and the test
# accuracy, which is read once at the end. `CalciumResponse()` is the published response; the third tutorial shows how
# to measure your own.

# %%
settings = DigitsSettings(attention="astromorphic", epochs=12, seed=0)
run = RunFolder.create(OUT / "digits", "digits", settings, CalciumResponse(), overwrite=True)
summary = train(run, OUT)
print(f"test accuracy {100 * summary['test_accuracy']:.1f} % with {summary['parameters']:,} weights")
run_sheet.draw(run).savefig(OUT / "4_learning_curves.png")

# %% [markdown]
# **Ask it.** The folder is all that is needed to use the model.

# %%
model = AstromorphicClassifier.from_pretrained(OUT / "digits")
images = load_digits()
pixels, label = images.test_images[:1], int(images.test_labels[0])
asked = model.predict(pixels)[0]
print(f"a {label}, taken for {model.class_names[int(asked.argmax())]} with {100 * float(asked.max()):.1f} %")

# %% [markdown]
# **Why?** We cover 3 by 3 pixels at a time with blank paper and watch the probability of the true class. Where it falls
# most, the model looked. (This says what the answer rests on, not how it came about.)

# %%
places = [(row, column) for row in range(6) for column in range(6)]
covered = np.repeat(pixels, len(places), axis=0)
for number, (row, column) in enumerate(places):
    covered[number, :, row : row + 3, column : column + 3] = 0
fall = float(asked[label]) - model.predict(covered)[:, label].numpy()
weight = np.zeros((2, 8, 8))
for change, (row, column) in zip(fall, places, strict=True):
    weight[:, row : row + 3, column : column + 3] += np.array([change, 1])[:, None, None]
importance = weight[0] / weight[1]

figure, panels = plt.subplots(1, 2, figsize=(6.4, 3.0), layout="constrained")
panels[0].imshow(pixels[0, 0], cmap="gray_r")
panels[0].set_title(f"a {label}")
largest = np.abs(importance).max()
shade = panels[1].imshow(importance, cmap="RdBu_r", vmin=-largest, vmax=largest)
panels[1].set_title("what the answer rests on")
for panel in panels:
    panel.set(xticks=[], yticks=[])
figure.colorbar(shade, ax=panels[1], label=f"fall of P({label}) when covered")
figure.savefig(OUT / "4_explained.png")

# %% [markdown]
# **Words.** A model of film reviews comes with the package as well. Its attention takes up some words more than others:
# the weight of a word is its share of what the classifier reads, summed over all queries.

# %%
if "imdb" in shipped_models():
    reader = AstromorphicClassifier.from_pretrained("imdb")
    review = "Slow, and the plot makes no sense at all, but what an ending!"
    read, probabilities = reader.attention_weights(review), reader.predict([review])[0].tolist()
    print(word_weights.printed(word_weights.table(read).head(5)).to_string(index=False))
    word_weights.draw(read, probabilities, reader.class_names).savefig(OUT / "4_words.png")

# %% [markdown]
# The same from the command line:
#
#     astromorph train digits --out runs/digits
#     astromorph evaluate runs/digits --out digits.png
#     astromorph evaluate imdb --text "Slow, but what an ending!" --out words.png
#
# Next: `5_model_as_circuit.py` runs the attention that was just trained as a network of neurons and astrocytes.
