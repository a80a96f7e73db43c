"""What `billing describe` says, with the names and examples that documentation and OpenAPI share."""

import copy
import json


def words(name):
    """`payment-options` as `payment options`, `lateFeeAmount` as `late fee amount`."""
    spaced = "".join(" " + letter.lower() if letter.isupper() else letter for letter in name)
    return spaced.replace("-", " ").strip()


def camel(name):
    """`payment-options` as `PaymentOptions`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def singular(name):
    """`customers` as `customer`; `clock` and `address` stay."""
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


class Action:
    """A row of the URL table."""

    def __init__(self, row):
        # Of some actions only: a POST whose body holds the password, an answer that may be plain text.
        self.takesPassword = self.givesText = False
        self.__dict__.update(row)
        self.segments = self.resource.strip("/").split("/")
        self.is_item = self.segments[-1].startswith("{")
        # The resource that a page is about: the last segment that is no `{…}`.
        self.family = next(part for part in reversed(self.segments) if not part.startswith("{"))
        self.path = self.resource if self.implicit else f"{self.resource}/~{self.action}"
        self.named_path = f"{self.resource}/~{self.action}"
        # Parameters of a POST go into its body.
        self.takes_form = "POST" in self.methods and bool(self.parameters)
        self.is_wide = len(self.segments) == 1
        self.operation = None
        self.anchor = None
        self.title = None


class Interface:
    """Everything that the program knows of its interface."""

    def __init__(self, document):
        self.document = document
        self.version = document["version"]
        self.base = document["base"]
        self.headers = document["headers"]
        self.objects = {row["name"]: row for row in document["objects"]}
        self.enumerations = {row["name"]: row for row in document["enumerations"]}
        self.failures = {row["code"]: row for row in document["failures"]["codes"]}
        self.families = document["failures"]["families"]
        self.actions = [Action(row) for row in document["actions"]]
        self._name_operations()

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def _name_operations(self):
        taken = set()
        for action in self.actions:
            noun = camel(action.family if action.isList and action.action == "find" else singular(action.family))
            name = action.action + noun
            if name in taken and action.is_wide:
                name = f"{action.action}All{noun}"
            if name in taken:
                parent = [part for part in action.segments if not part.startswith("{")][-2:-1]
                name = f"{name}Of{camel(singular(parent[0])) if parent else 'All'}"
            taken.add(name)
            action.operation = name
            action.anchor = name[:1].lower() + name[1:]
            spaced = words(name)
            action.title = spaced[:1].upper() + spaced[1:]

    def resource_families(self):
        """The resources, each with its actions: in the order of the URL table, but what lies deep below another after that."""
        found, order = {}, []
        for action in self.actions:
            if action.family not in found:
                above = [part for part in action.segments if not part.startswith("{")][:-1]
                if len(above) > 1 and above[-1] in order:
                    order.insert(order.index(above[-1]) + 1, action.family)
                else:
                    order.append(action.family)
            found.setdefault(action.family, []).append(action)
        usual = ["create", "find", "load", "modify", "delete"]

        def place(action):
            if action.operation.startswith("findAll"):
                return len(usual) + 1
            return usual.index(action.action) if action.action in usual else len(usual)

        return {family: sorted(found[family], key=place) for family in order}

    def operations(self, action):
        """(method, operation id) of each method that an action answers to."""
        methods = action.methods
        if len(methods) == 1:
            return [(methods[0], action.operation)]
        # POST is recommended where GET is there for old callers.
        return [
            (method, action.operation if method == "POST" else f"{action.operation}By{method.capitalize()}")
            for method in sorted(methods, key=lambda method: method != "POST")
        ]

    # Examples -------------------------------------------------------------------------------------------------

    def answer_example(self, class_name, complete=True, otherwise=None):
        """An object of a class as an answer shows it; lists only where it is complete."""
        shown, otherwise = {}, otherwise or {}
        for field in self.objects[class_name]["fields"]:
            if not field.get("returned", True):
                continue
            value, kind = otherwise.get(field["name"], field["example"]), field["type"]["kind"]
            if kind == "list":
                value = [self.answer_example(field["type"]["object"], False)] if complete else None
            elif kind == "object":
                value = self.answer_example(field["type"]["object"], False) if value else None
            elif kind == "integerList" and isinstance(value, str):
                value = [int(part) for part in value.split(",") if part.isdigit()]
            if value is not None:
                shown[field["name"]] = value
        return shown

    def request_example(self, action):
        """The body that an action takes; None where it takes none."""
        if action.consumes:
            described = self.objects[action.consumes]
            return copy.deepcopy(described["change" if action.action == "modify" else "creation"])
        if action.takes_form:
            return self.parameter_example(action)
        return None

    def parameter_example(self, action):
        """The parameters of a call: those required, with the notes that go with them."""
        return {
            row["name"]: row["example"] for row in action.parameters if row["required"] or action.takesPassword
        }

    def result_example(self, action):
        """The body of a success."""
        value = self.answer_example(action.returns, not action.isList, action.result)
        return [value] if action.isList else value

    def filled_path(self, action, named=False):
        """The action's path with example numbers in place of `{…}`."""
        path = action.named_path if named else action.path
        for item in action.items:
            path = path.replace("{" + item["name"] + "}", str(item["example"]))
        return path
