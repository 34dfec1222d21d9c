#!/usr/bin/env python3
"""Checks template.yaml as CloudFormation will see it: transformed by SAM, offline, and then linted.

`sam validate --lint` does not look inside SAM resources: it passes a misspelt InvokeMode or a !Ref to nothing.
CloudFormation runs two transforms, AWS::LanguageExtensions and SAM's. cfn-lint and most rules here look at what SAM
alone makes, where parameters are still references; the rules on versions and log levels look at what both make.
Needs the packages of ../tools/requirements.txt. With --self-test it seeds faults and fails unless each is found.
"""

import argparse
import copy
import json
import logging
import os
import re
import sys
from pathlib import Path

# samtranslator asks boto for a region, though nothing is called.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from cfnlint.api import lint
from samcli.commands.validate.lib.exceptions import InvalidSamDocumentException
from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# samcli logs what it also raises.
logging.getLogger("samcli").addHandler(logging.NullHandler())

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
    template = yaml_parse(text)
    try:
        transformed = transform(template)
    except InvalidDocumentException as error:
        return [f"SAM {cause.message}" for cause in error.causes]
    linted = [f"{match.rule.id} {path_of(match)}: {match.message}" for match in lint(json.dumps(transformed))]
    own = [*own_rules(transformed["Resources"]), *parameter_rules(transformed["Parameters"])]
    try:
        return [*linted, *own, *value_rules(template)]
    except InvalidSamDocumentException as error:
        return [*linted, *own, f"SAM {error}"]


def transform(template):
    """The CloudFormation template that SAM makes of `template`."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        # A local folder would have to be uploaded first; where the code lies does not matter here.
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    try:
        return translator.translate(template, parameter_values={})
    finally:
        translator.metrics.publish()  # to no one; it warns if this is left out


def with_values(template, values):
    """What AWS::LanguageExtensions makes of `template`: `values` and defaults in place of the parameters."""
    template = {**template, "Transform": [EXTENSIONS]}
    return expand_language_extensions(template, parameter_values=values, enabled=True).expanded_template


def path_of(match):
    return "/".join(str(step) for step in getattr(match, "path", None) or ["?"])


EXTENSIONS = "AWS::LanguageExtensions"
# The alias of each function that its URL belongs to.
ALIAS = "live"
# From the most to the least verbose.
LOG_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]
# Parameters of which each has to publish a version of both functions when it changes. The first is in an environment
# variable; the second is in none, and is seen only with AutoPublishAliasAllProperties.
PUBLISHING = ["LogLevel", "Architecture"]

# How the answers of each function go out.
INVOKE_MODES = {"ChatFunctionUrl": "RESPONSE_STREAM", "ThreadsFunctionUrl": "BUFFERED"}
# Variables of the function that calls models only.
GATEWAY = "AI_GATEWAY_"
# Variables that must be equal in all functions: whose requests they take.
CALLERS = ("ALLOWED_ORIGINS", "BETTER_AUTH_")


def own_rules(resources):
    """What CloudFormation would accept and we must not ship."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::Url" if properties.get("InvokeMode") != INVOKE_MODES[name]:
                yield f"OWN Resources/{name}: InvokeMode must be {INVOKE_MODES[name]}"
            case "AWS::Lambda::Function" if name != "ChatFunction":
                named = [variable for variable in properties["Environment"]["Variables"] if variable.startswith(GATEWAY)]
                yield from (f"OWN Resources/{name}: calls no model and must not have {variable}" for variable in named)
            case "AWS::IAM::Role":
                wide = [statement for statement in statements_of(properties.get("Policies")) if is_wide(statement)]
                yield from (f"OWN Resources/{name}: allows too much: {json.dumps(statement)}" for statement in wide)
            case "AWS::DynamoDB::Table" if resource.get("DeletionPolicy") != "Retain":
                yield f"OWN Resources/{name}: conversations would be deleted with the stack"

    callers = {name: callers_of(resources[name]) for name in functions_of(resources)}
    for name, named in callers.items():
        if named != callers["ChatFunction"]:
            differing = sorted(variable for variable, _ in named.items() ^ callers["ChatFunction"].items())
            yield f"OWN Resources/{name}: takes other requests than ChatFunction: {', '.join(differing)}"

    yield from alias_rules(resources)
    yield from concurrency_rules(resources)


def alias_rules(resources):
    """Each function has the alias, its URL belongs to the alias, and both permissions are for the alias."""
    aliases = {
        resource["Properties"]["FunctionName"]["Ref"]: {"Ref": name}
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Alias" and resource["Properties"]["Name"] == ALIAS
    }
    permissions = {name: resource["Properties"] for name, resource in resources.items() if is_permission(resource)}
    for name, permission in permissions.items():
        if permission["FunctionName"] not in aliases.values():
            yield f"OWN Resources/{name}: permits nothing for the URL, since it does not name the alias {ALIAS}"

    for function in functions_of(resources):
        alias = aliases.get(function)
        if not alias:
            yield f"OWN Resources/{function}: has no alias {ALIAS}"
        url = resources[f"{function}Url"]["Properties"]
        if url["TargetFunctionArn"] != alias and url.get("Qualifier") != ALIAS:
            yield f"OWN Resources/{function}Url: belongs to the function and not to its alias {ALIAS}"

        permitted = [permission for permission in permissions.values() if permission["FunctionName"] == alias]
        if not any(permission["Action"] == "lambda:InvokeFunctionUrl" for permission in permitted):
            yield f"OWN Resources/{function}: its URL answers 403, lambda:InvokeFunctionUrl is not permitted"
        if not any(permission.get("InvokedViaFunctionUrl") for permission in permitted):
            yield f"OWN Resources/{function}: its URL answers 403, lambda:InvokeFunction is not permitted through it"


def concurrency_rules(resources):
    """Each function has a reserved concurrency of its own, and a change of it can be published."""
    reserved = {
        name: parameters_of(resources[name]["Properties"].get("ReservedConcurrentExecutions"))
        for name in functions_of(resources)
    }
    for name, parameters in reserved.items():
        others = set().union(*(reserved[other] for other in reserved if other != name))
        if not parameters - others:
            yield f"OWN Resources/{name}: has no parameter of its own for its reserved concurrency"
        if not parameters <= parameters_of(resources[name]["Properties"].get("Description")):
            # The version's logical id would change, and Lambda publishes nothing where the function did not.
            yield f"OWN Resources/{name}: its Description must name {', '.join(parameters)}, or the deployment fails"


def parameter_rules(parameters):
    """`sam deploy --guided` takes Enter for every parameter, and does not for a NoEcho one."""
    for name, parameter in parameters.items():
        if "Default" not in parameter:
            yield f"OWN Parameters/{name}: has no default"
        if parameter.get("NoEcho"):
            yield f"OWN Parameters/{name}: NoEcho, for which `sam deploy --guided` does not take Enter"


def value_rules(template):
    """What depends on the values of parameters: log levels, and whether a change publishes a version."""
    for level in LOG_LEVELS:
        resources = with_values(template, {"LogLevel": level})["Resources"]
        # Lines of the level info have to pass, and so does whatever was asked for.
        most = min(LOG_LEVELS.index(level), LOG_LEVELS.index("INFO"))
        for name, resource in resources.items():
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            filtered = resource["Properties"]["LoggingConfig"].get("ApplicationLogLevel", "INFO")
            if LOG_LEVELS.index(filtered) > most:
                yield f"OWN Resources/{name}: ApplicationLogLevel {filtered} drops lines when LogLevel is {level}"

    before = versions_of(template, {})
    for parameter in PUBLISHING:
        description = template["Parameters"][parameter]
        other = next(value for value in description["AllowedValues"] if value != description.get("Default"))
        for function, _ in sorted(before.items() & versions_of(template, {parameter: other}).items()):
            yield f"OWN Resources/{function}: a change of {parameter} publishes no version, so {ALIAS} does not have it"


def versions_of(template, values):
    """The logical id of each function's version, by which CloudFormation knows whether to publish one."""
    has_values = as_list(template["Transform"])[0] == EXTENSIONS
    resources = transform(with_values(template, values) if has_values else template)["Resources"]
    versions = {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}
    return {version["Properties"]["FunctionName"]["Ref"]: name for name, version in versions.items()}


def is_permission(resource):
    return resource["Type"] == "AWS::Lambda::Permission"


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


# A name, the beginning of what must be found, the text to replace and what replaces it.
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
    (
        "a read side without permissions",
        "OWN",
        "FunctionName: !Ref ThreadsFunctionAliaslive",
        "FunctionName: !Ref ChatFunctionAliaslive",
    ),
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
    ("parameter without a use", "W2001", "MODELS: !Ref Models", "MODELS: ''"),
    ("permissions for the function", "OWN", "Name: !Ref ChatFunctionAliaslive", "Name: !Ref ChatFunction"),
    (
        "one permission for the function",
        "OWN",
        "FunctionName: !Ref ThreadsFunctionAliaslive\n      Action: lambda:InvokeFunction\n",
        "FunctionName: !Ref ThreadsFunction\n      Action: lambda:InvokeFunction\n",
    ),
    (
        "no alias",
        "OWN Resources/ChatFunction: has no alias",
        "      AutoPublishAlias: live\n      AutoPublishAliasAllProperties: true\n",
        "",
    ),
    (
        "alias of another name",
        "OWN Resources/ChatFunction: has no alias",
        "AutoPublishAlias: live",
        "AutoPublishAlias: current",
    ),
    ("versions of code and variables only", "OWN", "      AutoPublishAliasAllProperties: true\n", ""),
    (
        "versions without parameter values",
        "OWN",
        "[AWS::LanguageExtensions, AWS::Serverless-2016-10-31]",
        "AWS::Serverless-2016-10-31",
    ),
    (
        "transforms in the wrong order",
        "OWN",
        "[AWS::LanguageExtensions, AWS::Serverless-2016-10-31]",
        "[AWS::Serverless-2016-10-31, AWS::LanguageExtensions]",
    ),
    ("concurrency that cannot be published", "OWN", "concurrency ${ReservedConcurrency}", "concurrency of its own"),
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
    ("log filter above INFO", "OWN", "!If [IsVerbose, !Ref LogLevel, INFO]", "!Ref LogLevel"),
    ("log filter fixed above INFO", "OWN", "!If [IsVerbose, !Ref LogLevel, INFO]", "WARN"),
    ("log filter that drops what was asked for", "OWN", "!If [IsVerbose, !Ref LogLevel, INFO]", "INFO"),
    (
        "log filter that forgets TRACE",
        "OWN",
        "IsVerbose: !Or [!Equals [!Ref LogLevel, DEBUG], !Equals [!Ref LogLevel, TRACE]]",
        "IsVerbose: !Equals [!Ref LogLevel, DEBUG]",
    ),
    ("hidden parameter", "OWN", "  AiGatewayApiKeySsm:\n", "  AiGatewayApiKeySsm:\n    NoEcho: true\n"),
    ("parameter without a default", "OWN", "    Default: arm64\n", ""),
]


def self_test(text):
    """Counts the seeded faults that are not found, or that the template has no place for any more."""
    clean = findings(text)
    missed = 0
    for name, expected, right, wrong in FAULTS:
        if right not in text:
            missed += 1
            print(f"STALE  {name}: the template does not hold {right!r}")
            continue
        fresh = [finding for finding in findings(text.replace(right, wrong)) if finding not in clean]
        caught = [finding for finding in fresh if finding.startswith(expected + " ")]
        missed += not caught
        print(f"found  {name}: {caught[0][:120]}" if caught else f"MISSED {name}: no {expected}, only {fresh}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
