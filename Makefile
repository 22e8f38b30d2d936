# Every target makes what it needs first; on a fresh Debian with Python 3.11 that is all there is
# to do. More words go to the program behind a target: make test ARGS="tests/io -x"

TOX = .bootstrap/bin/python -m tox run -e colorgan --
ARGS =
# Colour pictures for train-natural: folders "train" and "val" lie in it.
DATA = data/natural
RUN = runs/natural
# Shown three times: there are few of them, and they are the most various.
VARIOUS = imagenet_ajs flickr8k_1000
# And for train-microscopy, by their sources.
MICROSCOPY = data/microscopy
TISSUE = monuseg gbm40 histolab_tcga dsb2018
BLOOD = bccd chula_rbc wbc_zheng2
IHC = ki67_rouland deepliif_ihc qupath_ki67
# What train-microscopy goes on from; BASE=natural starts anew.
BASE = microscopy

# Images beside a reference: make corpus FOLDER=~/scans; ARGS=--collect fills it first.
FOLDER = corpus

.PHONY: lowest gallery corpus help attack bootstrap demo test bench quality guides screenshots panels structure docs train-natural train-microscopy lint

help:
	@echo "make demo           open napari on a sample and colorize it (without a display: to demo/)"
	@echo "make test           run all checks and tests"
	@echo "make lint           run the checks that need no tests"
	@echo "make lowest         run a part of the tests with the lowest versions that are declared"
	@echo "make attack         damage files and kill programs at random (ARGS=\"--minutes 30\")"
	@echo "make bench          measure speed and memory"
	@echo "make quality        measure the bundled models' colours on held-out images"
	@echo "make guides         measure hints, references and consistent stacks; can be resumed"
	@echo "make corpus         read the images in FOLDER=folder beside Pillow and LittleCMS"
	@echo "make screenshots    make the documentation's pictures"
	@echo "make gallery        make the documentation's gallery from COLORGAN_DATA"
	@echo "make docs           build the documentation's site, to read offline: site/index.html"
	@echo "make panels         try the panels in a real window: speed, sizes, stability"
	@echo "make structure      print the figures of the source's structure (ARGS=--list: the places)"
	@echo "make train-natural  train the bundled model on DATA=folder, in RUN=folder"
	@echo "make train-microscopy  the same for microscopy, on MICROSCOPY=folder"

bootstrap:
	@bash tools/bootstrap.sh

demo: bootstrap
	$(TOX) python -m napari_colorgan demo $(ARGS)

test: bootstrap
	$(TOX) python tools/check.py $(ARGS)

lowest: bootstrap
	.bootstrap/bin/python -m tox run -e lowest $(if $(ARGS),-- $(ARGS))

lint: bootstrap
	$(TOX) python tools/check.py --lint

attack: bootstrap
	$(TOX) python tools/attack.py $(ARGS)

bench: bootstrap
	$(TOX) python benchmarks/run.py $(ARGS)

quality: bootstrap
	$(TOX) python tools/quality.py $(ARGS)

guides: bootstrap
	$(TOX) python tools/guides.py $(ARGS)
corpus: bootstrap
	$(TOX) python tools/corpus.py $(FOLDER) $(ARGS)

gallery: bootstrap
	$(TOX) python tools/gallery.py $(ARGS)

screenshots: bootstrap
	$(TOX) python tools/screenshots.py $(ARGS)

docs: bootstrap
	$(TOX) python tools/site_pages.py $(ARGS)

panels: bootstrap
	$(TOX) python tools/panels.py $(ARGS)

structure: bootstrap
	$(TOX) python tools/structure.py $(ARGS)

train-natural: bootstrap
	$(TOX) python -m napari_colorgan train natural-look --data $(DATA)/train \
		$(foreach each,$(VARIOUS) $(VARIOUS),--data $(DATA)/train/$(each)) --val $(DATA)/val \
		--output $(RUN) --name natural --card tools/models/natural.card.toml $(ARGS)
	$(TOX) python tools/bundle.py $(RUN)/model.safetensors

# It ends within the minutes that are planned for.
train-microscopy: bootstrap
	$(TOX) python -m napari_colorgan train microscopy --base $(BASE) \
		$(foreach each,$(TISSUE) $(BLOOD) $(IHC),--data $(MICROSCOPY)/train/$(each)) \
		--val $(MICROSCOPY)/val --output runs/microscopy --name microscopy \
		--minutes 42 --card tools/models/microscopy.card.toml $(ARGS)
	$(TOX) python tools/bundle.py runs/microscopy/model.safetensors --name microscopy
