from django.urls import path

from .views import attendance, chains, rules, shifts, week

urlpatterns = [
    path("", week.WeekPage.as_view(), name="week"),
    path("publish/", week.Publish.as_view(), name="publish"),
    path("month/", week.MonthPage.as_view(), name="month"),
    path("mine/", shifts.Mine.as_view(), name="mine"),
    path("shifts/add/", shifts.AddShift.as_view(), name="add"),
    path("shifts/<int:pk>/", shifts.ShiftPage.as_view(), name="shift"),
    path("swaps/<int:pk>/accept/", shifts.AcceptSwap.as_view(), name="swap_accept"),
    path("swaps/<int:pk>/decline/", shifts.DeclineSwap.as_view(), name="swap_decline"),
    path("swaps/<int:pk>/withdraw/", shifts.WithdrawSwap.as_view(), name="swap_withdraw"),
    path("swaps/<int:pk>/approve/", shifts.ApproveSwap.as_view(), name="swap_approve"),
    path("swaps/<int:pk>/reject/", shifts.RejectSwap.as_view(), name="swap_reject"),
    path("leave/", shifts.EnterLeave.as_view(), name="leave"),
    path("leave/<int:pk>/cancel/", shifts.CancelLeave.as_view(), name="leave_cancel"),
    path("feed/make/", shifts.MakeFeed.as_view(), name="feed_make"),
    path("feed/forget/", shifts.ForgetFeed.as_view(), name="feed_forget"),
    path("feed/<str:token>.ics", shifts.Feed.as_view(), name="feed"),
    path("attendance/", attendance.AttendancePage.as_view(), name="attendance"),
    path("attendance/in/", attendance.SignIn.as_view(), name="sign_in"),
    path("attendance/out/", attendance.SignOut.as_view(), name="sign_out"),
    path("attendance/correct/", attendance.Correct.as_view(), name="correct"),
    path("chains/", chains.ChainsPage.as_view(), name="chains"),
    path("chains/<int:pk>/switch/", chains.SwitchChain.as_view(), name="chain_switch"),
    path("chains/level-<int:severity>/", chains.EditChain.as_view(), name="chain_edit"),
    path("chains/level-<int:severity>/<slug:system>/", chains.EditChain.as_view(), name="chain_edit"),
    path("rules/", rules.RulesPage.as_view(), name="rules"),
    path("rules/new/", rules.EditRule.as_view(), name="rule_new"),
    path("rules/<slug:key>/", rules.EditRule.as_view(), name="rule"),
    path("rules/<slug:key>/end/", rules.EndRule.as_view(), name="rule_end"),
]
