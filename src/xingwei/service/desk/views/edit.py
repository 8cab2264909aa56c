"""The page on which what is known of a case is corrected."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase

from xingwei.base.ui.views import FormPage, ServiceRefused

from ..forms.edit import EditForm
from ..services import acts
from ..services.acts import EDITABLE
from ..services.base import StaleEdit
from .common import OfCase

FIELDS = tuple(f for f in EDITABLE if f in EditForm.base_fields)


class Edit(OfCase, FormPage):
    """Two people at once: the second sees what the first changed, field by field, and keeps his own words."""

    permission = "desk.case:edit"
    template_name = "desk/edit.html"
    form_class = EditForm
    related = ("system", "subsystem", "function", "interface", "department", "party_organisation")

    def get_title(self) -> str:
        return f"修改 {self.case.number}"

    def get_initial(self) -> dict[str, Any]:
        return {name: getattr(self.case, name) for name in FIELDS} | {"version": self.case.version}

    def get_back_url(self) -> str:
        return self.case.get_absolute_url()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"case": self.case, "stale": kwargs.get("stale", ())}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST)
        assert isinstance(form, forms.Form)
        if form.is_valid():
            said = form.cleaned_data
            try:
                values = {name: said[name] for name in FIELDS if name in form.changed_data}
                acts.edit(self.actor, self.case, values, version=said["version"])
                return self.done(f"{self.case.number} 已修改", self.case.get_absolute_url())
            except StaleEdit as stale:
                return self._stale(form, stale)
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _stale(self, form: forms.Form, stale: StaleEdit) -> HttpResponseBase:
        """What stands now beside every field in which the two differ; sending again is then his decision."""
        del self.case
        data = form.data.copy()  # type: ignore[attr-defined]
        data["version"] = str(self.case.version)
        form.data = data
        for name in FIELDS:
            now = getattr(self.case, name)
            shown = self.case.get_party_display() if name == "party" else now
            if name not in form.changed_data:  # his page shows what the other one wrote
                data[name] = data[f"initial-{name}"] = form.fields[name].prepare_value(now) or ""
            elif form.cleaned_data.get(name) != now:
                form.fields[name].help_text = f"现在库里是：{str(shown or '空')[:200]}"
        form.add_error(None, str(stale))
        return self.render_to_response(self.get_context_data(form=form, stale=stale.changes), status=409)
