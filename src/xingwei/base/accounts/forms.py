"""Forms of the room's pages: what is typed becomes values for one service."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

from xingwei.base.policy.engine import Actor

from . import hooks, queries
from .models import Department, Organisation, User
from .services import organisations, people, tokens
from .services.base import stamp


def control(**attrs: Any) -> dict[str, Any]:
    return {"class": "form-control", **attrs}


def password_input(complete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs=control(autocomplete=complete))


def date_field(label: str, *, required: bool = False, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        help_text=help_text,
        widget=forms.DateInput(attrs=control(type="date"), format="%Y-%m-%d"),
        error_messages={"invalid": "不是日期，请写成 2026-03-18 这样"},
    )


class PasswordForm(forms.Form):
    old = forms.CharField(label="现在的密码", max_length=128, strip=False, widget=password_input("current-password"))
    new = forms.CharField(label="新密码", max_length=128, strip=False, widget=password_input("new-password"))
    again = forms.CharField(label="再输一遍新密码", max_length=128, strip=False, widget=password_input("new-password"))

    def __init__(self, *args: Any, rules: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new"].help_text = rules

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("new") and data.get("again") and data["new"] != data["again"]:
            self.add_error("again", "两遍输入的新密码不一样。")
        return data


class _Stamped(forms.ModelForm):  # type: ignore[type-arg]
    """A model's form that notices a stale edit; nothing is saved here, the service does."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    stamped: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["seen"].initial = stamp(self.instance, self.stamped)
        for field in self.fields.values():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            if not isinstance(field.widget, (forms.CheckboxInput, forms.HiddenInput)):
                field.widget.attrs.setdefault("class", kind)

    def values(self) -> dict[str, Any]:
        return {k: v for k, v in self.cleaned_data.items() if k != "seen"}

    def _post_clean(self) -> None:
        """The instance stays as it is stored: the service compares with it."""


def plain_digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


class PersonForm(_Stamped):
    stamped = people.FIELDS
    valid_until = date_field("有效期至", help_text="外来人员必填；到期自动不能登录")
    nda_on = date_field("保密协议签署日期", help_text="外来人员接入前签署")

    class Meta:
        model = User
        fields = people.FIELDS
        help_texts = {
            "username": "登录用，不区分大小写",
            "application": "外来人员的账号须有书面申请",
            "wecom_id": "用于企业微信通知和报障",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grades = [User.Grade.STANDARD, User.Grade.OPERATIONS]
        if self.instance.grade == User.Grade.SUPER:
            grades.append(User.Grade.SUPER)  # it comes and goes with the administration
        self.fields["grade"] = forms.ChoiceField(
            label="账号级别",
            choices=[(g.value, g.label) for g in grades],
            initial=self.instance.grade,
            help_text="超级管理员随三员任命而来，不能直接选",
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        self.order_fields(people.FIELDS)
        self.fields["organisation"].empty_label = self.fields["department"].empty_label = "请选择"  # type: ignore[attr-defined]
        self.fields["organisation"].queryset = Organisation.objects.filter(active=True)  # type: ignore[attr-defined]
        departments = Department.objects.filter(active=True).select_related("organisation")
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as the page arranges them."""
        names = (
            ("本人", ("username", "name", "short_name", "title", "organisation", "department")),
            ("联系方式", ("phone", "mobile", "email", "wecom_id")),
            ("账号", ("grade", "source", "valid_until", "application", "nda_on")),
        )
        return [(label, [self[n] for n in fields]) for label, fields in names]

    def clean_username(self) -> str:
        return plain_digits(self.cleaned_data["username"])

    def clean_phone(self) -> str:
        return plain_digits(self.cleaned_data["phone"])

    def clean_mobile(self) -> str:
        text = plain_digits(self.cleaned_data["mobile"])
        if text and not text.replace("-", "").lstrip("+").isdigit():
            raise forms.ValidationError("手机号只能有数字")
        return text


class ReasonForm(forms.Form):
    reason = forms.CharField(label="原因", max_length=120, widget=forms.TextInput(attrs=control()))


class GrantForm(forms.Form):
    """One role for one person. Administrations become proposals and need a reason."""

    role = forms.ChoiceField(label="角色", widget=forms.Select(attrs={"class": "form-select"}))
    systems = forms.MultipleChoiceField(
        label="所管系统",
        required=False,
        help_text="不选就是全部系统",
        widget=forms.CheckboxSelectMultiple,
    )
    valid_from = date_field("自", help_text="不填就是现在")
    valid_until = date_field("至", help_text="不填就是一直有效")
    reason = forms.CharField(
        label="任命理由",
        required=False,
        max_length=200,
        help_text="授予三员角色时必填，例如：院办〔2026〕12 号任命",
        widget=forms.TextInput(attrs=control()),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = queries.role_choices(person.organisation.side)
        self.fields["role"].choices = [("", "请选择"), *choices]  # type: ignore[attr-defined]
        if known := hooks.all_systems():
            self.fields["systems"].choices = [(code, f"{code} {name}") for code, name in known]  # type: ignore[attr-defined]
        else:
            del self.fields["systems"]


class OrganisationForm(_Stamped):
    stamped = organisations.ORGANISATION_FIELDS

    class Meta:
        model = Organisation
        fields = organisations.ORGANISATION_FIELDS


class DepartmentForm(_Stamped):
    stamped = organisations.DEPARTMENT_FIELDS

    class Meta:
        model = Department
        fields = organisations.DEPARTMENT_FIELDS

    def clean_extension(self) -> str:
        return plain_digits(self.cleaned_data["extension"])


class TokenForm(forms.Form):
    name = forms.CharField(
        label="用途", max_length=60, help_text="例如：监控平台报障", widget=forms.TextInput(attrs=control())
    )
    days = forms.IntegerField(
        label="有效天数",
        min_value=1,
        max_value=tokens.DAYS_MAX,
        initial=90,
        help_text=f"最长 {tokens.DAYS_MAX} 天，到期自动失效",
        widget=forms.NumberInput(attrs=control(inputmode="numeric")),
    )
    scopes = forms.MultipleChoiceField(
        label="权限",
        help_text="只能从您自己的权限里选；改动账号、权限、策略一类的管理权不能交给令牌",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._grantable = tokens.grantable(actor)
        choices = [(p, f"{resource}：{action}") for p, resource, action in self._grantable]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The permissions by what they are about: label of the resource, then its boxes."""
        chosen = set(self["scopes"].value() or [])
        found: dict[str, list[dict[str, Any]]] = {}
        for permission, resource, action in self._grantable:
            box = {"value": permission, "label": action, "checked": permission in chosen}
            found.setdefault(resource, []).append(box)
        return list(found.items())


class VerifyForm(forms.Form):
    """From which to which row of the chain; empty for all."""

    first = forms.IntegerField(label="从序号", required=False, min_value=1, widget=forms.NumberInput(attrs=control()))
    last = forms.IntegerField(label="到序号", required=False, min_value=1, widget=forms.NumberInput(attrs=control()))
