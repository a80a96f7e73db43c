"""OpenAPI 3.1 of the interface, from `billing describe`."""

import copy
import re

from documents import MEDIA, rendered
from interface import camel, singular, words

LARGEST = 9007199254740991
REFERENCE = r"^\*[A-Za-z0-9._:@-]{1,60}$"
# Every day but 29 February, which only some years have, and a time of day or none.
DATETIME = (
    r"^[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?$"
)
EXTENDED = {"V": None, "D": "decided", "X": "extension"}


def optional(pattern):
    """The pattern, or nothing: empty text stands for no value wherever one may be left out."""
    return f"^(?:{pattern.removeprefix('^').removesuffix('$')})?$"


class OpenAPI:
    """Builds the document."""

    def __init__(self, interface):
        self.interface = interface
        self.schemas = {}

    def document(self):
        interface = self.interface
        self._object_schemas()
        paths = {}
        for action in interface.actions:
            for method, operation in interface.operations(action):
                path = paths.setdefault(action.path, {})
                path[method.lower()] = self._operation(action, method, operation)
        for action in interface.actions:
            self._link(paths, action)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Billing API",
                "version": interface.version,
                "summary": "A self-hosted recurring billing server: the Billing API v01.",
                "description": (
                    "Customers, payment options, plans, subscriptions and transactions. Every action takes and gives "
                    "json, xml and xurl (`application/x-www-form-urlencoded`). Amounts are whole minor units: 4999 is "
                    "$49.99. An object is addressed by its number, or by `*` and your own code."
                ),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": interface.base, "description": "The server that this document comes from."}],
            "security": [{"basic": []}],
            "tags": [
                {"name": family, "description": f"{words(family).capitalize()}."}
                for family in interface.resource_families()
            ],
            "paths": paths,
            "components": {
                "schemas": self.schemas,
                "headers": {name: self._header(name) for name in self._answer_headers()},
                "parameters": self._header_parameters(),
                "securitySchemes": {
                    "basic": {
                        "type": "http",
                        "scheme": "basic",
                        "description": "A service user (`api-…`) with its password or a temporary password.",
                    }
                },
            },
        }

    # Types ------------------------------------------------------------------------------------------------------

    def _type(self, field, answering, strict):
        """The schema of a field's or parameter's value. `strict`: null and empty text are refused."""
        kind = field["type"]
        may_be_empty = not strict and not answering
        match kind["kind"]:
            case "integer":
                schema = {"type": "integer", "format": "int64"}
                if not answering or abs(kind["minimum"]) < LARGEST:
                    schema["minimum"], schema["maximum"] = kind["minimum"], kind["maximum"]
            case "text":
                schema = {"type": "string"}
                if not answering:
                    schema["maxLength"] = kind["maxLength"]
                    # Control characters are refused in any text (contract 4.2).
                    schema["pattern"] = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]*$"
                    if strict:
                        schema["minLength"] = 1
                    if "pattern" in kind:
                        schema["pattern"] = optional(kind["pattern"]) if may_be_empty else kind["pattern"]
                        schema.pop("minLength", None)
                else:
                    schema["maxLength"] = kind["maxLength"]
            case "enumeration":
                schema = {"type": "string", "enum": list(kind["codes"])}
            case "boolean":
                schema = {"type": "boolean"}
            case "date":
                schema = {"type": "string", "format": "date"}
            case "dateTime":
                schema = {"type": "string", "pattern": DATETIME}
            case "reference":
                number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST}
                if answering:
                    schema = number
                else:
                    schema = {"oneOf": [number, {"type": "string", "pattern": REFERENCE}]}
            case "integerList":
                number = {"type": "integer", "minimum": kind["minimum"], "maximum": kind["maximum"]}
                schema = {
                    "oneOf": [
                        {"type": "array", "items": number, "maxItems": kind["maxCount"]},
                        {"type": "string", "pattern": r"^(none|(0|[1-9][0-9]{0,14})(,(0|[1-9][0-9]{0,14}))*)?$"},
                    ]
                }
            case "object":
                schema = self._reference(kind["object"], answering)
            case "list":
                schema = {
                    "type": "array",
                    "items": self._reference(kind["object"], answering),
                    "xml": {"wrapped": True, "name": field.get("element", field["name"])},
                }
                if not answering:
                    schema["maxItems"] = 1000
            case "texts":
                schema = {"type": "array", "items": {"type": "string"}}
            case other:
                raise ValueError(f"{field['name']}: no schema for {other}")
        if may_be_empty and "$ref" not in schema:
            self._admit_null(schema)
        return schema

    def _admit_nothing(self, schema):
        """An empty value in a query is no value."""
        schema.pop("minLength", None)
        for one in schema.get("oneOf", [schema]):
            if one["type"] == "string" and "pattern" in one:
                one["pattern"] = optional(one["pattern"])

    def _admit_null(self, schema):
        if "oneOf" in schema:
            schema["oneOf"].append({"type": "null"})
        else:
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"].append(None)

    def _reference(self, class_name, answering):
        return {"$ref": f"#/components/schemas/{class_name}{'' if answering else 'Create'}"}

    def _default(self, field, schema):
        """The default, where it is a value of the type and not words."""
        text = field.get("default")
        if text is None:
            return
        kind = field["type"]["kind"]
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            schema["default"] = int(text)
        elif kind == "boolean" and text in ("true", "false"):
            schema["default"] = text == "true"
        elif kind == "enumeration" and text in field["type"]["codes"]:
            schema["default"] = text

    def _description(self, field):
        text = field["meaning"]
        if "requiredWhen" in field:
            text += f" Required when {field['requiredWhen']}."
        if "rule" in field["type"]:
            text += f" It {field['type']['rule']}."
        if "default" in field and not re.fullmatch(r"[A-Za-z0-9:,]+", field["default"]):
            text += f" Default: {field['default']}."
        if field["type"]["kind"] == "enumeration":
            known = self.interface.enumerations[field["type"]["enumeration"]]["codes"]
            meanings = {row["code"]: row["meaning"] for row in known}
            if field["type"]["enumeration"] != "failureCode":
                text += " " + "; ".join(
                    f"`{code}` {meanings.get(code, '')}".strip() for code in field["type"]["codes"]
                ) + "."
        return text

    # Objects ----------------------------------------------------------------------------------------------------

    def _object_schemas(self):
        interface = self.interface
        creates, modifies, answers = set(), set(), {"Exception"}
        for action in interface.actions:
            answers.add(action.returns)
            if action.consumes:
                (modifies if action.action == "modify" else creates).add(action.consumes)

        def nested(names):
            found, left = set(), list(names)
            while left:
                name = left.pop()
                if name not in found:
                    found.add(name)
                    left += [
                        field["type"]["object"]
                        for field in interface.objects[name]["fields"]
                        if "object" in field["type"] and (names is not creates or field["mode"] != "R")
                    ]
            return found

        creates, answers = nested(creates), nested(answers)
        for name, described in interface.objects.items():
            if name in answers:
                self.schemas[name] = self._answer(described)
            if name in creates:
                self.schemas[f"{name}Create"] = self._request(described, "CW", creating=True)
            if name in modifies:
                self.schemas[f"{name}Modify"] = self._request(described, "W", creating=False)

    def _answer(self, described):
        """What is sent back: open, so that fields may be added (contract 4.7)."""
        properties, required = {}, []
        for field in described["fields"]:
            if not field["returned"]:
                continue
            schema = self._type(field, answering=True, strict=True)
            if "$ref" in schema:
                schema = {"allOf": [schema]}
            schema["description"] = self._description(field)
            if field["mode"] == "R":
                schema["readOnly"] = True
            self._name_in_xml(field, schema)
            self._mark(field, schema)
            if field["example"] is not None:
                schema["examples"] = [field["example"]]
            properties[field["name"]] = schema
            has_code = any(row["name"] == "code" for row in described["fields"])
            if field["required"] or field["name"] == "id" or has_code and field["name"] in ("code", "createDate"):
                required.append(field["name"])
        schema = {
            "type": "object",
            "description": described["meaning"],
            "properties": properties,
            "additionalProperties": True,
            "xml": {"name": described["element"]},
        }
        if required:
            schema["required"] = required
        return schema

    def _request(self, described, modes, creating):
        """What is taken: closed, as unknown fields are refused. Read-only ones would be ignored."""
        properties, required = {}, []
        examples = described["creation" if creating else "change"]
        for field in described["fields"]:
            if field["mode"] not in modes:
                continue
            needed = field["required"] and creating
            schema = self._type(field, answering=False, strict=field["required"])
            if "$ref" in schema:
                schema = {"allOf": [schema]}
            schema["description"] = self._description(field)
            if creating:
                self._default(field, schema)
            if not field["returned"]:
                schema["writeOnly"] = True
            self._name_in_xml(field, schema)
            self._mark(field, schema)
            if field["name"] in examples:
                schema["examples"] = [examples[field["name"]]]
            properties[field["name"]] = schema
            if needed:
                required.append(field["name"])
        verb = "create" if creating else "modify"
        note = "" if creating else " What is left out stays as it is. Fields that are fixed may be sent with the value they have."
        schema = {
            "type": "object",
            "description": f"{described['meaning']} What ~{verb} takes.{note}"
            if described["name"] + "s" != described["plural"] and any(row["mode"] == "R" for row in described["fields"])
            else described["meaning"],
            "properties": properties,
            "additionalProperties": False,
            "xml": {"name": described["element"]},
        }
        if required:
            schema["required"] = required
        return schema

    def _name_in_xml(self, field, schema):
        if field["type"]["kind"] in ("object", "list", "texts"):
            if field["type"]["kind"] == "object":
                schema["xml"] = {"name": field["element"]}
        else:
            schema["xml"] = {"name": field["name"], "attribute": True}

    def _mark(self, field, schema):
        if EXTENDED[field["mark"]]:
            schema["x-mark"] = EXTENDED[field["mark"]]

    # Operations -------------------------------------------------------------------------------------------------

    def _operation(self, action, method, operation):
        text = [action.meaning]
        if action.implicit:
            text.append(f"May be named, too: `{method} {action.named_path}`.")
        elif method == "GET" and not action.reading and len(action.methods) > 1:
            text.append("Changes state; GET is there for existing callers, new ones should use POST.")
        text.append(f"Least privilege: `{action.privilege}`.")
        built = {
            "operationId": operation,
            "summary": action.title,
            "description": " ".join(text),
            "tags": [action.family],
            "parameters": self._parameters(action, method),
            "responses": self._responses(action, method),
        }
        body = self._body(action, method)
        if body:
            built["requestBody"] = body
        if method == "POST" and action.takesPassword:
            # The password in the body is the login.
            built["security"] = []
        if EXTENDED[action.mark]:
            built["x-mark"] = EXTENDED[action.mark]
        return built

    def _parameters(self, action, method):
        parameters = [
            {
                "name": item["name"],
                "in": "path",
                "required": True,
                "description": item["meaning"],
                "schema": self._path_type(item),
                "example": item["example"],
            }
            for item in action.items
        ]
        if (method != "POST" or not action.takes_form) and not action.takesPassword:
            for row in action.parameters:
                schema = self._type(row, answering=False, strict=True)
                if not row["required"]:
                    self._admit_nothing(schema)
                self._default(row, schema)
                parameter = {
                    "name": row["name"],
                    "in": "query",
                    "required": row["required"],
                    "description": self._description(row),
                    "schema": schema,
                }
                if row["required"]:
                    if row["example"] is not None:
                        parameter["example"] = row["example"]
                else:
                    parameter["allowEmptyValue"] = True
                self._mark(row, parameter)
                parameters.append(parameter)
        for row in self.interface.headers:
            if row["direction"] == "request" and row["name"] != "Accept" and self._applies(row, action, method):
                parameters.append({"$ref": f"#/components/parameters/{row['name']}"})
        return parameters

    def _path_type(self, item):
        if item["type"]["kind"] == "reference":
            number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST}
            return {"oneOf": [number, {"type": "string", "pattern": REFERENCE}]}
        schema = self._type(item, answering=False, strict=True)
        if schema["type"] == "string":
            schema["pattern"] = r"^[A-Za-z0-9._-]{1,60}$"
        return schema

    def _body(self, action, method):
        value = self.interface.request_example(action)
        if action.consumes:
            kind = "Modify" if action.action == "modify" else "Create"
            class_name, schema = action.consumes, {"$ref": f"#/components/schemas/{action.consumes}{kind}"}
            is_needed = True
        elif method == "POST" and action.takes_form:
            class_name = f"{camel(singular(action.family))}{camel(action.action)}"
            schema = {"$ref": f"#/components/schemas/{class_name}"}
            self.schemas[class_name] = self._form(action)
            is_needed = action.takesPassword or any(row["required"] for row in action.parameters)
        else:
            return None
        content = {}
        for form, media in MEDIA.items():
            shown = value
            if form == "xml":
                shown = rendered(value, form, self.interface, class_name)
            taken = schema
            if form != "json":
                taken = self._as_text(schema["$ref"].rsplit("/", 1)[1])
            if form == "xurl" and action.consumes:
                taken, shown = self._flat(class_name, kind, value)
            content[media] = {"schema": taken, "example": shown}
        return {"required": is_needed, "content": content}

    def _flat(self, class_name, kind, value):
        """The schema and the example of a form: nested values have dotted names there, which no schema can say."""
        name = f"{class_name}{kind}Text"
        whole = self.schemas[name]
        nested = {
            row["name"] for row in self.interface.objects[class_name]["fields"]
            if row["type"]["kind"] in ("object", "list", "texts")
        } & set(whole["properties"])
        if not nested:
            return {"$ref": f"#/components/schemas/{name}"}, value
        flat = dict(whole)
        flat["properties"] = {field: schema for field, schema in whole["properties"].items() if field not in nested}
        flat["description"] += (
            " Nested objects go under dotted names, such as `paymentOptions.0.holderName=Ann+Lee`; they are not in "
            "this schema."
        )
        self.schemas[f"{class_name}{kind}Form"] = flat
        return (
            {"$ref": f"#/components/schemas/{class_name}{kind}Form"},
            {field: item for field, item in value.items() if field not in nested},
        )

    def _as_text(self, name):
        """The schema as xml and xurl have it: there is no null, what is not there is left out."""
        text = f"{name}Text"
        if text not in self.schemas:
            self.schemas[text] = whole = copy.deepcopy(self.schemas[name])
            for schema in whole["properties"].values():
                if isinstance(schema.get("type"), list):
                    schema["type"] = schema["type"][0]
                    if "enum" in schema:
                        schema["enum"].remove(None)
                if "oneOf" in schema:
                    schema["oneOf"] = [one for one in schema["oneOf"] if one["type"] not in ("null", "array")]
                    if len(schema["oneOf"]) == 1:
                        schema |= schema.pop("oneOf")[0]
                for holder in (schema.get("items", {}), *schema.get("allOf", [])):
                    if "$ref" in holder:
                        holder |= self._as_text(holder["$ref"].rsplit("/", 1)[1])
        return {"$ref": f"#/components/schemas/{text}"}

    def _form(self, action):
        """The parameters of a POST, as the object that its body holds."""
        properties = {}
        for row in action.parameters:
            schema = self._type(row, answering=False, strict=row["required"])
            schema["description"] = self._description(row)
            self._default(row, schema)
            schema["xml"] = {"name": row["name"], "attribute": True}
            if row["example"] is not None:
                schema["examples"] = [row["example"]]
            self._mark(row, schema)
            properties[row["name"]] = schema
        schema = {
            "type": "object",
            "description": f"The parameters of ~{action.action}.",
            "properties": properties,
            "additionalProperties": False,
            "xml": {"name": action.action},
        }
        required = [row["name"] for row in action.parameters if row["required"] or action.takesPassword]
        if required:
            schema["required"] = required
        return schema

    # Answers ----------------------------------------------------------------------------------------------------

    def _responses(self, action, method):
        interface = self.interface
        responses = {str(action.status): self._success(action, method, "It worked.")}
        statuses = {}
        for code in action.failures:
            statuses.setdefault(interface.failures[code]["status"], []).append(code)
        for status, codes in sorted(statuses.items()):
            text = "; ".join(f"`{code}` {interface.failures[code]['meaning']}" for code in codes) + "."
            if status < 300:
                responses[str(status)] = self._success(action, method, text)
            else:
                responses[str(status)] = self._failure(action, method, status, codes, text)
        return responses

    def _success(self, action, method, text):
        interface = self.interface
        schema = {"$ref": f"#/components/schemas/{action.returns}"}
        value = interface.result_example(action)
        described = interface.objects[action.returns]
        if action.isList:
            schema = {"type": "array", "items": schema, "xml": {"wrapped": True, "name": described["plural"]}}
        content = {}
        for form, media in MEDIA.items():
            shown = value if form == "json" else rendered(value, form, interface, action.returns, action.isList)
            # Dotted names of nested values (`paymentOptions.0.id`) are beyond a schema: text, there.
            content[media] = {"schema": {"type": "string"} if form == "xurl" else schema, "example": shown}
        if action.givesText:
            content["text/plain"] = {"schema": {"type": "string"}}
        return {"description": text, "headers": self._headers_of(action, method, action.status), "content": content}

    def _failure(self, action, method, status, codes, text):
        interface = self.interface
        fault = {"failureCode": codes[0], "failureMessage": interface.failures[codes[0]]["meaning"]}
        value = {
            "responseType": "exception", **fault, "errors": [fault],
            "requestId": interface.answer_example("Exception").get("requestId", "1"),
        }
        content = {}
        for form, media in MEDIA.items():
            shown = value if form == "json" else rendered(value, form, interface, "Exception")
            schema = {"type": "string"} if form == "xurl" else {"$ref": "#/components/schemas/Exception"}
            content[media] = {"schema": schema, "example": shown}
        return {"description": text, "headers": self._headers_of(action, method, status), "content": content}

    def _applies(self, header, action, method, status=None):
        match header["scope"]:
            case "all":
                return True
            case "lists":
                return action.isList and (status or 200) < 300
            case "created":
                return status in (201, 202) and action.status == 201
            case "writing":
                # Answers that hold a password are not kept to be given again.
                return method in ("PUT", "POST") and (status or 200) < 300 and not action.takesPassword
            case "items":
                changed = "V37" in action.failures and method != "DELETE"
                return (action.action == "load" and action.is_item or changed) and (status or 200) < 300
            case "modifying":
                return "V37" in action.failures
            case "unauthenticated":
                return status == 401
            case "later":
                return status in (429, 503)
            case "methods":
                return status == 405
        raise ValueError(header["scope"])

    def _headers_of(self, action, method, status):
        headers = {
            row["name"]: {"$ref": f"#/components/headers/{row['name']}"}
            for row in self.interface.headers
            if row["direction"] == "answer" and self._applies(row, action, method, status)
        }
        if action.givesText and status < 300:
            # Plain text is not paged: the headers of lists do not come with it.
            for name in ("X-Offset", "X-Limit", "X-Has-More"):
                headers[name] = self._header(name) | {"required": False}
        return headers

    def _answer_headers(self):
        return [row["name"] for row in self.interface.headers if row["direction"] == "answer" and row["scope"] != "methods"]

    def _header(self, name):
        row = next(row for row in self.interface.headers if row["direction"] == "answer" and row["name"] == name)
        schema = {"type": "string"}
        if name in ("X-Offset", "X-Limit", "Retry-After"):
            schema = {"type": "integer", "minimum": 0}
        elif name in ("X-Has-More", "Idempotent-Replay"):
            schema = {"type": "string", "enum": ["true", "false"]}
        header = {"description": row["meaning"], "schema": schema}
        if row["scope"] in ("all", "lists", "created") and name != "Link":
            header["required"] = True
        return header

    def _header_parameters(self):
        return {
            row["name"]: {
                "name": row["name"],
                "in": "header",
                "required": False,
                "description": row["meaning"],
                "schema": {"type": "string"} | ({"minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}
                                                if row["scope"] == "writing" else {}),
            }
            for row in self.interface.headers
            if row["direction"] == "request" and row["name"] != "Accept"
        }

    # Links ------------------------------------------------------------------------------------------------------

    def _link(self, paths, action):
        """From the answer that creates an object to every action on it, and on what is below it."""
        interface = self.interface
        if action.action not in ("create", "process") or action.status != 201:
            return
        collection = action.resource
        item = next(
            (row for row in interface.actions
             if row.is_item and row.resource.rsplit("/", 1)[0] == collection and row.action == "load"), None
        )
        if not item:
            return
        links = {}
        own = item.items[-1]["name"]
        for target in interface.actions:
            if not (target.resource == item.resource or target.resource.startswith(item.resource + "/")):
                continue
            if len(target.items) != len(item.items):
                continue
            parameters = {row["name"]: f"$request.path.{row['name']}" for row in item.items[:-1]}
            parameters[own] = "$response.body#/id"
            for method, operation in interface.operations(target):
                links[operation] = {
                    "operationId": operation,
                    "parameters": parameters,
                    "description": target.meaning,
                }
        if links:
            for method in action.methods:
                paths[action.path][method.lower()]["responses"]["201"]["links"] = links
