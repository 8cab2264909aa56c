from django.urls import path

from .views import channels, topology

urlpatterns = [
    path("", topology.Topology.as_view(), name="topology"),
    path("channels/", channels.Channels.as_view(), name="channels"),
    path("channels/new/", channels.NewChannel.as_view(), name="channel-new"),
    path("channels/<str:code>/", channels.ChannelPage.as_view(), name="channel"),
    path("channels/<str:code>/edit/", channels.EditChannel.as_view(), name="channel-edit"),
    path("channels/<str:code>/state/", channels.ChannelState.as_view(), name="channel-state"),
]
