"""Addresses outside the room's prefix: they are typed by hand and stand in letters."""

from django.urls import path

from .views import sign_in

urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.SignInCode.as_view(), name="sign-in-code"),
    path("sign-in/sso/", sign_in.OidcStart.as_view(), name="sign-in-oidc"),
    path("sign-in/sso/back/", sign_in.OidcBack.as_view(), name="sign-in-oidc-back"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
]
