"""A server on this machine that answers SAM as AWS does, up to the change set, which it notes and refuses.

Knows the few calls of a deployment: the names of secrets, the managed bucket, the uploads, and the change set.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

BUCKET = "aws-sam-cli-managed-default-samclisourcebucket-example"
BUCKET_STACK = "aws-sam-cli-managed-default"
CALLER = b"""<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>
    <Arn>arn:aws:iam::123456789012:user/example</Arn><UserId>EXAMPLE</UserId>
    </GetCallerIdentityResult></GetCallerIdentityResponse>"""
# In words that must turn up in what SAM prints.
REFUSAL = "the stand-in for AWS refuses every change set"


class AwsStandIn:
    """The server, and the change sets that it was asked for."""

    def __init__(self):
        self.change_sets = []
        # The names of SSM's parameters, read again for each call.
        self.parameters = lambda: ()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def change_set_after(self, count, line):
        assert len(self.change_sets) == count + 1, f"`{line}` asked for {len(self.change_sets) - count} change sets"
        return self.change_sets[-1]

    def _handler(stand_in):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if self.headers.get("x-amz-target") == "AmazonSSM.GetParameters":
                    names = json.loads(self._body())["Names"]
                    missing = [name for name in names if name not in stand_in.parameters()]
                    return self._send(200, json.dumps({"Parameters": [], "InvalidParameters": missing}).encode())
                form = {name: values[0] for name, values in parse_qs(self._body().decode("utf-8", "replace")).items()}
                self._send(*stand_in.answer(form))

            def do_PUT(self):
                self._body()
                self._send(200, b"", {"ETag": '"0"'})

            def do_HEAD(self):
                # Nothing was uploaded before.
                self._send(404, b"")

            def do_GET(self):
                self._send(404, b"")

            def _body(self):
                if self.headers.get("transfer-encoding", "").lower() == "chunked":
                    pieces = []
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        pieces.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(pieces)
                return self.rfile.read(int(self.headers.get("content-length", 0)))

            def _send(self, status, body, headers=()):
                self.send_response(status)
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.send_header("content-type", "text/xml")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def answer(self, form):
        """The answer to a call of CloudFormation or STS."""
        match form.get("Action"):
            case "DescribeStacks" if form.get("StackName") == BUCKET_STACK:
                return 200, bucket_stack()
            case "DescribeStacks":
                return 400, failure("ValidationError", f"Stack with id {form.get('StackName')} does not exist")
            case "GetCallerIdentity":
                return 200, CALLER
            case "CreateChangeSet":
                self.change_sets.append(change_set_of(form))
                return 403, failure("AccessDenied", REFUSAL)
            case other:
                return 400, failure("ValidationError", f"the stand-in for AWS knows no {other}")


def change_set_of(form):
    parameters, index = {}, 1
    while name := form.get(f"Parameters.member.{index}.ParameterKey"):
        parameters[name] = form.get(f"Parameters.member.{index}.ParameterValue", "")
        index += 1
    capabilities = [value for name, value in form.items() if name.startswith("Capabilities.member.")]
    return {"stack": form["StackName"], "parameters": parameters, "capabilities": capabilities}


def failure(code, message):
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode()


def bucket_stack():
    return f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
        <StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/{BUCKET_STACK}/1</StackId>
        <StackName>{BUCKET_STACK}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>
        <StackStatus>CREATE_COMPLETE</StackStatus>
        <Tags><member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member></Tags>
        <Outputs><member><OutputKey>SourceBucket</OutputKey><OutputValue>{BUCKET}</OutputValue></member></Outputs>
        </member></Stacks></DescribeStacksResult></DescribeStacksResponse>""".encode()
