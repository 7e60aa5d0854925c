# autopeft with its default job, at the pinned versions.
#   docker build -t autopeft .                            on the CPU
#   docker build --build-arg DEVICE=cuda -t autopeft .    with the CUDA that PyTorch's wheel on PyPI brings
#   docker run --rm --shm-size 2g -v "$PWD:/work" autopeft search --budget 1%
FROM python:3.12-slim-bookworm

ARG DEVICE=cpu

RUN useradd --create-home --uid 1000 autopeft \
    && mkdir /work \
    && chown autopeft:autopeft /work

WORKDIR /opt/autopeft
COPY constraints.txt pyproject.toml README.md LICENSE ./

# PyTorch first: it is what takes longest, and changes least.
RUN if [ "$DEVICE" = cpu ]; then index="https://download.pytorch.org/whl/cpu"; else index="https://pypi.org/simple"; fi \
    && pip install --no-cache-dir -c constraints.txt --extra-index-url "$index" torch

COPY autopeft autopeft
COPY search_spaces search_spaces
COPY examples examples
COPY studies/icd10-chapters studies/icd10-chapters
RUN pip install --no-cache-dir -c constraints.txt '.[demo]'

USER 1000
WORKDIR /work
ENTRYPOINT ["autopeft"]
CMD ["--help"]
