from django.urls import path

from .views import forum, guides, writing

urlpatterns = [
    path("", guides.Guides.as_view(), name="guides"),
    path("new/", writing.NewGuide.as_view(), name="new"),
    path("preview/", writing.Preview.as_view(), name="preview"),
    path("guides/<slug:slug>/", guides.GuidePage.as_view(), name="guide"),
    path("guides/<slug:slug>/edit/", writing.EditGuide.as_view(), name="edit"),
    path("guides/<slug:slug>/history/", writing.History.as_view(), name="history"),
    path("guides/<slug:slug>/publish/", writing.Publish.as_view(), name="publish"),
    path("guides/<slug:slug>/restore/", writing.Restore.as_view(), name="restore"),
    path("guides/<slug:slug>/confirm/", writing.Confirm.as_view(), name="confirm"),
    path("guides/<slug:slug>/archive/", writing.Archive.as_view(), name="archive"),
    path("guides/<slug:slug>/helped/", guides.Helped.as_view(), name="helped"),
    path("guides/<slug:slug>/comment/", guides.Comment.as_view(), name="comment"),
    path("guides/<slug:slug>/upload/", writing.Upload.as_view(), name="upload"),
    path("guides/<slug:slug>/files/<str:name>", guides.Picture.as_view(), name="picture"),
    path("forum/", forum.Forum.as_view(), name="forum"),
    path("forum/new/", forum.NewTopic.as_view(), name="topic_new"),
    path("forum/<int:pk>/", forum.TopicPage.as_view(), name="topic"),
    path("forum/<int:pk>/follow/", forum.Follow.as_view(), name="follow"),
    path("forum/<int:pk>/set/", forum.SetTopic.as_view(), name="topic_set"),
    path("posts/<int:pk>/edit/", forum.EditPost.as_view(), name="post_edit"),
    path("posts/<int:pk>/hide/", forum.HidePost.as_view(), name="post_hide"),
]
