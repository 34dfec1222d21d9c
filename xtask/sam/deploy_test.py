#!/usr/bin/env python3
"""Follows README's Deploy section word by word in a terminal, with the real SAM CLI, up to where AWS would act.

Every shell block of the section is typed line by line. A question that README does not name gets no
answer, and fails the test. What is not real, so that it takes seconds and no account:
- AWS: a server on this machine answers as CloudFormation and S3 do until the change set, which it notes and refuses.
- `aws` and `rustup`: they note how they were called.
- `cargo lambda build`: writes a stand-in for each binary. All else that cargo is asked, cargo answers.
Needs the packages of ../tools/requirements.txt and ../tools/requirements-deploy-test.txt.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pexpect
from samtranslator.yaml_helper import yaml_parse

from aws_stand_in import AwsStandIn

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".aws-sam"
# A README that asks more than this is not the one that was tried.
ANSWERS = {"read -rs KEY": "a-secret-for-this-test-only-0123456789"}
# How long a line of README may take here before it counts as one that waits for an answer.
TIMEOUT_SECONDS = 60
PROMPT = "deploy-test> "

STUB_CARGO = """#!/bin/sh
case "$1" in
  xtask) shift; CARGO="$0" exec "$REAL_XTASK" "$@" ;;
  lambda) while [ "$1" != --bin ]; do shift; done
    mkdir -p "$CARGO_TARGET_DIR/lambda/$2"; printf 'stand-in' > "$CARGO_TARGET_DIR/lambda/$2/bootstrap" ;;
  *) exec "$REAL_CARGO" "$@" ;;
esac
"""
STUB_NOTES = """#!/bin/sh
printf '%s' "$(basename "$0")" >> "$NOTES"; printf ' %s' "$@" >> "$NOTES"; echo >> "$NOTES"
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--xtask", required=True, type=Path, help="the built xtask")
    arguments.add_argument("--readme", type=Path, default=ROOT / "README.md")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, AwsStandIn() as aws, kept_aside(BUILT):
        user = User(Path(folder), asked.xtask.resolve(), aws)
        aws.parameters = user.stored_parameters
        deploy_without_secrets(user, aws)
        follow(user, shell_blocks(asked.readme.read_text()), aws)
        answer_every_question(user, aws)
    print("README's Deploy can be followed to its end")
    return 0


def shell_blocks(readme):
    """The lines of each shell block of README's Deploy section."""
    section = re.search(r"^## Deploy$(.*?)^## ", readme, re.MULTILINE | re.DOTALL).group(1)
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)
    assert blocks, "README's Deploy section has no shell block"
    return [[line.split("  #")[0].strip() for line in block.splitlines() if line.strip()] for block in blocks]


def deploy_without_secrets(user, aws):
    """A deployment would succeed, and no function would start."""
    shown = user.types("cargo xtask deploy")
    assert "does not hold /sidekiq/better-auth-secret and /sidekiq/ai-gateway-api-key" in shown, shown
    assert not aws.change_sets, "a stack without secrets was deployed"


def follow(user, blocks, aws):
    """Types every line of README. Each way of deploying must reach a change set, and only those."""
    for block in blocks:
        reached = len(aws.change_sets)
        for line in block:
            shown = user.types(line)
            if line.startswith(("cargo xtask deploy", "sam deploy")):
                change_set = aws.change_set_after(reached, line)
                reached += 1
                check_parameters(line, change_set)
                # The question would come after the change set, which is refused here.
                assert re.search(r"Confirm changeset +: False", shown), f"`{line}` would ask before it deploys"
        assert len(aws.change_sets) == reached, f"a line of {block} deployed that does not say so"
    assert aws.change_sets, "no line of README deploys"
    notes = user.notes()
    for name in ("better-auth-secret", "ai-gateway-api-key"):
        assert f"--name /sidekiq/{name} " in notes, f"README does not store the secret {name}"
    assert ANSWERS["read -rs KEY"] not in user.shown, "a secret was shown"


def check_parameters(line, change_set):
    """What goes to CloudFormation: the names of the secrets that README stores, and no secret."""
    parameters = defaults() | change_set["parameters"]
    assert parameters["BetterAuthSecretSsm"] == "/sidekiq/better-auth-secret", f"{line}: {parameters}"
    assert parameters["AiGatewayApiKeySsm"] == "/sidekiq/ai-gateway-api-key", f"{line}: {parameters}"
    assert ANSWERS["read -rs KEY"] not in str(change_set), f"{line}: a secret went to CloudFormation"
    assert "CAPABILITY_IAM" in change_set["capabilities"], f"{line}: {change_set['capabilities']}"
    for override in re.findall(r"(\w+)=(\S+)", line):
        assert parameters[override[0]] == override[1], f"{line}: {parameters}"


def defaults():
    """The defaults of template.yaml, which CloudFormation takes where nothing else is sent."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    return {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}


def answer_every_question(user, aws):
    """`sam deploy --guided`, which SAM itself recommends: Enter takes every default, and y the two public URLs."""
    reached = len(aws.change_sets)
    # A file of its own, because it writes down what was answered.
    config = user.folder / "samconfig.toml"
    shutil.copy(ROOT / "samconfig.toml", config)
    questions = user.answers(f"sam deploy --guided --config-file {config}")
    check_parameters("sam deploy --guided", aws.change_set_after(reached, "sam deploy --guided"))
    public = [question for question in questions if "has no authentication" in question]
    assert len(public) == 2, f"README says that there are two such questions: {public}"


class User:
    """Somebody in a shell in the checkout, who knows README and nothing else."""

    def __init__(self, folder, xtask, aws):
        self.folder, self.shown = folder, ""
        stubs = folder / "bin"
        stubs.mkdir()
        for name, text in (("cargo", STUB_CARGO), ("aws", STUB_NOTES), ("rustup", STUB_NOTES)):
            (stubs / name).write_text(text)
            (stubs / name).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARGO", "SAM_", "CI"))}
        environment = kept | {
            "PATH": f"{stubs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
            "CARGO_TARGET_DIR": str(folder / "target"),
            "REAL_CARGO": shutil.which("cargo"),
            "REAL_XTASK": str(xtask),
            "NOTES": str(folder / "notes"),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "no-secret",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PS1": PROMPT,
            "TERM": "dumb",
        }
        self.shell = pexpect.spawn(
            "bash", ["--norc", "--noprofile", "--noediting"], cwd=ROOT, env=environment, encoding="utf-8",
            timeout=TIMEOUT_SECONDS, dimensions=(50, 250),
        )
        self.shell.expect_exact(PROMPT)

    def types(self, line):
        """Types a line, waits until the shell is back, and returns what it showed. Only what README says is answered."""
        print(f"$ {line}", flush=True)
        self.shell.sendline(line)
        for start, answer in ANSWERS.items():
            if line.startswith(start):
                # There is no prompt to wait for: README says to paste it.
                self.shell.sendline(answer)
        self._until(line, [PROMPT])
        return self.shell.before

    def answers(self, line):
        """Types a line that asks; takes each default, and says y where the default is no. Returns the questions."""
        print(f"$ {line}", flush=True)
        self.shell.sendline(line)
        questions = []
        while self._until(line, [PROMPT, r"([^\r\n]+) \[[^\]\r\n]*\]: (?:\x1b\[0m)?$"]) != 0:
            question = self.shell.match.group(1)
            questions.append(question)
            self.shell.sendline("y" if "has no authentication" in question else "")
        return questions

    def notes(self):
        notes = self.folder / "notes"
        return notes.read_text() if notes.exists() else ""

    def stored_parameters(self):
        return re.findall(r"^aws ssm put-parameter .*--name (\S+)", self.notes(), re.MULTILINE)

    def _until(self, line, patterns):
        patterns = [re.escape(PROMPT) if pattern == PROMPT else pattern for pattern in patterns]
        try:
            found = self.shell.expect(patterns)
        except pexpect.TIMEOUT:
            sys.exit(f"`{line}` asks what README does not name, or hangs. It ends in:\n{self.shell.before[-1500:]}")
        self.shown += self.shell.before
        return found


class kept_aside:
    """Moves what was built by hand out of the way, and puts it back: nothing of this test may be deployed later."""

    def __init__(self, folder):
        self.folder, self.aside = folder, ROOT / ".tools" / f"{folder.name.strip('.')}-aside"

    def __enter__(self):
        if self.folder.exists() and not self.aside.exists():
            self.folder.rename(self.aside)

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.aside.exists():
            self.aside.rename(self.folder)


if __name__ == "__main__":
    sys.exit(main())
