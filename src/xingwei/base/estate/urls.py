from django.urls import path

from .views import edit, graph, parameters, sheets, systems

urlpatterns = [
    path("", systems.Systems.as_view(), name="systems"),
    path("graph/", graph.GraphPage.as_view(), name="graph"),
    path("systems/<str:code>/", systems.SystemPage.as_view(), name="system"),
    path("systems/<str:code>/windows/new/", edit.NewWindow.as_view(), name="new-window"),
    path("windows/<int:pk>/remove/", edit.RemoveWindow.as_view(), name="remove-window"),
    path("components/", systems.Components.as_view(), name="components"),
    path("components/import/", sheets.ImportComponents.as_view(), name="import-components"),
    path("components/<str:code>/", systems.ComponentPage.as_view(), name="component"),
    path("interfaces/", systems.Interfaces.as_view(), name="interfaces"),
    path("interfaces/import/", sheets.ImportInterfaces.as_view(), name="import-interfaces"),
    path("interfaces/<str:code>/", systems.InterfacePage.as_view(), name="interface"),
    path("functions/<str:code>/", systems.FunctionPage.as_view(), name="function"),
    path("new/<str:kind>/", edit.NewPart.as_view(), name="new"),
    path("edit/<str:kind>/<str:code>/", edit.EditPart.as_view(), name="edit"),
    path("remove/<str:kind>/<str:code>/", edit.RemovePart.as_view(), name="remove"),
    path("dependencies/add/", edit.AddDependency.as_view(), name="add-dependency"),
    path("dependencies/<int:pk>/remove/", edit.RemoveDependency.as_view(), name="remove-dependency"),
    path("owners/add/", edit.AddOwner.as_view(), name="add-owner"),
    path("owners/<int:pk>/remove/", edit.RemoveOwner.as_view(), name="remove-owner"),
    path("parameters/", parameters.Parameters.as_view(), name="parameters"),
    path("parameters/new/", edit.NewParameter.as_view(), name="new-parameter"),
    path("parameters/import/", sheets.ImportParameters.as_view(), name="import-parameters"),
    path("parameters/<str:system>/<str:code>/", parameters.ParameterPage.as_view(), name="parameter"),
    path("parameters/<str:system>/<str:code>/set/", parameters.SetValue.as_view(), name="set-parameter"),
    path("parameters/<str:system>/<str:code>/edit/", edit.EditParameter.as_view(), name="edit-parameter"),
    path("parameters/<str:system>/<str:code>/remove/", edit.RemoveParameter.as_view(), name="remove-parameter"),
]
