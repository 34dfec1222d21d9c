#!/usr/bin/env python3
"""Checks template.yaml as CloudFormation will see it: transformed by SAM, offline, and then linted.

`sam validate --lint` does not look inside SAM resources: it passes a misspelt InvokeMode or a !Ref to nothing.
Needs the packages of ../tools/requirements.txt. With --self-test it seeds faults and fails unless each is found.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

# samtranslator asks boto for a region, though nothing is called.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from cfnlint.api import lint
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("template", nargs="?", type=Path, default=TEMPLATE)
    arguments.add_argument("--self-test", action="store_true", help="seed faults and expect each to be found")
    asked = arguments.parse_args()

    text = asked.template.read_text()
    found = findings(text)
    for finding in found:
        print(finding)
    print(f"{asked.template.name}: {len(found) or 'no'} findings")

    missed = self_test(text) if asked.self_test else 0
    return 1 if found or missed else 0


def findings(text):
    """Everything wrong with the SAM template `text`, one line each."""
    try:
        transformed = transform(yaml_parse(text))
    except InvalidDocumentException as error:
        return [f"SAM {cause.message}" for cause in error.causes]
    linted = [f"{match.rule.id} {path_of(match)}: {match.message}" for match in lint(json.dumps(transformed))]
    return [*linted, *own_rules(transformed["Resources"]), *parameter_rules(transformed["Parameters"])]


def transform(template):
    """The CloudFormation template that SAM makes of `template`."""
    for resource in template["Resources"].values():
        # A local folder would have to be uploaded first; where the code lies does not matter here.
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    try:
        return translator.translate(template, parameter_values={})
    finally:
        translator.metrics.publish()  # to nobody, but it warns if this is left out


def path_of(match):
    return "/".join(str(step) for step in getattr(match, "path", None) or ["?"])


# How the answers of each function go out.
INVOKE_MODES = {"ChatFunctionUrl": "RESPONSE_STREAM", "ThreadsFunctionUrl": "BUFFERED"}
# What only the function that answers is told.
GATEWAY = "AI_GATEWAY_"
# What every function has to be told alike: whose requests it takes.
CALLERS = ("ALLOWED_ORIGINS", "BETTER_AUTH_")


def own_rules(resources):
    """What CloudFormation would accept and we must not ship."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::Url" if properties.get("InvokeMode") != INVOKE_MODES[name]:
                yield f"OWN Resources/{name}: InvokeMode must be {INVOKE_MODES[name]}"
            case "AWS::Lambda::Function" if name != "ChatFunction":
                told = [variable for variable in properties["Environment"]["Variables"] if variable.startswith(GATEWAY)]
                yield from (f"OWN Resources/{name}: calls no model and must not be told {variable}" for variable in told)
            case "AWS::IAM::Role":
                wide = [statement for statement in statements_of(properties.get("Policies")) if is_wide(statement)]
                yield from (f"OWN Resources/{name}: allows too much: {json.dumps(statement)}" for statement in wide)
            case "AWS::DynamoDB::Table" if resource.get("DeletionPolicy") != "Retain":
                yield f"OWN Resources/{name}: conversations would be deleted with the stack"

    callers = {name: callers_of(resources[name]) for name in functions_of(resources)}
    for name, told in callers.items():
        if told != callers["ChatFunction"]:
            differing = sorted(variable for variable, _ in told.items() ^ callers["ChatFunction"].items())
            yield f"OWN Resources/{name}: takes other requests than ChatFunction: {', '.join(differing)}"

    yield from concurrency_rules(resources)

    for function in functions_of(resources):
        permissions = [
            resource["Properties"]
            for resource in resources.values()
            if resource["Type"] == "AWS::Lambda::Permission" and resource["Properties"]["FunctionName"] == {"Ref": function}
        ]
        if not any(permission["Action"] == "lambda:InvokeFunctionUrl" for permission in permissions):
            yield f"OWN Resources/{function}: nobody may use its URL, lambda:InvokeFunctionUrl is not permitted"
        if not any(permission.get("InvokedViaFunctionUrl") for permission in permissions):
            yield f"OWN Resources/{function}: nobody may use its URL, lambda:InvokeFunction is not permitted through it"


def concurrency_rules(resources):
    """Each function has a reserved concurrency of its own."""
    reserved = {
        name: parameters_of(resources[name]["Properties"].get("ReservedConcurrentExecutions"))
        for name in functions_of(resources)
    }
    for name, parameters in reserved.items():
        others = set().union(*(reserved[other] for other in reserved if other != name))
        if not parameters - others:
            yield f"OWN Resources/{name}: has no parameter of its own for its reserved concurrency"


def parameter_rules(parameters):
    """`sam deploy --guided` takes Enter for every parameter, and does not for a NoEcho one."""
    for name, parameter in parameters.items():
        if "Default" not in parameter:
            yield f"OWN Parameters/{name}: has no default"
        if parameter.get("NoEcho"):
            yield f"OWN Parameters/{name}: NoEcho, for which `sam deploy --guided` does not take Enter"


def parameters_of(node):
    """The names that `node` refers to, by Ref or by Fn::Sub."""
    text = json.dumps(node)
    names = re.findall(r'"Ref": "([A-Za-z0-9]+)"', text) + re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
    return set(names)


def functions_of(resources):
    return [name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Function"]


def callers_of(function):
    variables = function["Properties"]["Environment"]["Variables"]
    return {name: json.dumps(value) for name, value in variables.items() if name.startswith(CALLERS)}


def statements_of(node):
    """Every policy statement below `node`, also inside an Fn::If."""
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from statements_of(child)


def is_wide(statement):
    actions, resources = as_list(statement["Action"]), as_list(statement.get("Resource"))
    return any("*" in action for action in actions) or "*" in resources


def as_list(value):
    return value if isinstance(value, list) else [value]


# A name, the rule that must speak, the text to replace and what replaces it.
FAULTS = [
    ("unknown invoke mode", "E3030", "InvokeMode: RESPONSE_STREAM", "InvokeMode: STREAMING"),
    ("a read side that streams", "OWN", "InvokeMode: BUFFERED", "InvokeMode: RESPONSE_STREAM"),
    (
        "a read side with the gateway's key",
        "OWN",
        "          MODELS: !Ref Models\n          MAX_TURNS",
        "          MODELS: !Ref Models\n          AI_GATEWAY_API_KEY_SSM: !Ref AiGatewayApiKeySsm\n          MAX_TURNS",
    ),
    (
        "a read side that takes other sessions",
        "OWN",
        "          BETTER_AUTH_JWKS: !Ref BetterAuthJwks\n          BETTER_AUTH_CHECK_REVOCATION: "
        "!Ref BetterAuthCheckRevocation\n          ALLOWED_ORIGINS: !Join [',', !Ref AllowedOrigins]\n          DEFAULT_MODEL",
        "          BETTER_AUTH_CHECK_REVOCATION: "
        "!Ref BetterAuthCheckRevocation\n          ALLOWED_ORIGINS: !Join [',', !Ref AllowedOrigins]\n          DEFAULT_MODEL",
    ),
    ("a read side that nobody may call", "OWN", "FunctionName: !Ref ThreadsFunction", "FunctionName: !Ref ChatFunction"),
    ("buffered answers", "OWN", "InvokeMode: RESPONSE_STREAM", "InvokeMode: BUFFERED"),
    ("reference to nothing", "E1020", "TABLE_NAME: !Ref ChatTable", "TABLE_NAME: !Ref NoTable"),
    ("timeout over the limit", "E3717", "Timeout: !Ref FunctionTimeout", "Timeout: 2000"),
    ("unknown architecture", "E3030", "Architectures: [!Ref Architecture]", "Architectures: [arm65]"),
    ("unknown runtime", "E3030", "Runtime: provided.al2023", "Runtime: provided.al2099"),
    ("misspelt attribute", "E6101", "!GetAtt ChatFunctionUrl.FunctionUrl", "!GetAtt ChatFunctionUrl.FunctionURL"),
    ("unknown property", "SAM", "      Timeout: !Ref", "      Timeuot: !Ref"),
    ("wrong attribute type", "E3030", "AttributeName: sk, AttributeType: S", "AttributeName: sk, AttributeType: X"),
    ("key without a definition", "E3039", "{AttributeName: pk, KeyType: HASH}", "{AttributeName: pq, KeyType: HASH}"),
    ("CORS method that is too long", "E3033", "AllowMethods: [GET, POST]", "AllowMethods: [OPTIONS]"),
    ("condition that does not exist", "E3015", "Condition: HasCaller", "Condition: HasCallers"),
    ("rule on a missing parameter", "E1020", "!Ref CloudFrontDistributionId, ''", "!Ref CloudFrontDistribution, ''"),
    ("every resource", "OWN", "Resource: !GetAtt ChatLogGroup.Arn", "Resource: '*'"),
    ("every action", "OWN", "[dynamodb:GetItem, dynamodb:Query]", "[dynamodb:*]"),
    ("half of the two permissions", "OWN", "      InvokedViaFunctionUrl: true\n", ""),
    ("table deleted with the stack", "OWN", "    DeletionPolicy: Retain", "    DeletionPolicy: Delete"),
    ("parameter nobody uses", "W2001", "MODELS: !Ref Models", "MODELS: ''"),
    (
        "a read side without concurrency",
        "OWN",
        "      ReservedConcurrentExecutions: !If\n        - HasThreadsReservedConcurrency\n"
        "        - !Ref ThreadsReservedConcurrency\n        - !Ref AWS::NoValue\n",
        "",
    ),
    (
        "a read side with the concurrency of chat",
        "OWN",
        "        - HasThreadsReservedConcurrency\n        - !Ref ThreadsReservedConcurrency\n",
        "        - HasReservedConcurrency\n        - !Ref ReservedConcurrency\n",
    ),
    ("hidden parameter", "OWN", "  AiGatewayApiKeySsm:\n", "  AiGatewayApiKeySsm:\n    NoEcho: true\n"),
    ("parameter without a default", "OWN", "    Default: arm64\n", ""),
]


def self_test(text):
    """Counts the seeded faults that are not found, or that the template has no place for any more."""
    clean = findings(text)
    missed = 0
    for name, rule, right, wrong in FAULTS:
        if right not in text:
            missed += 1
            print(f"STALE  {name}: the template does not hold {right!r}")
            continue
        fresh = [finding for finding in findings(text.replace(right, wrong)) if finding not in clean]
        caught = [finding for finding in fresh if finding.startswith(rule + " ")]
        missed += not caught
        print(f"found  {name}: {caught[0][:120]}" if caught else f"MISSED {name}: no {rule}, only {fresh}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
