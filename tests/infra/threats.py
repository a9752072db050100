"""Which tests hold what the operator's page answers to each threat."""

from __future__ import annotations

THREATS: dict[str, list[str]] = {
    "links are guessed": [
        "tests/functions/test_links.py::test_a_personal_code_has_128_random_bits_and_no_letter_that_an_address_would_escape",
        "tests/functions/test_links.py::test_what_is_no_link_is_found_out_with_the_same_reads",
    ],
    "an answer is sent again": [
        "tests/functions/test_accept.py::test_a_personal_link_takes_one_answer_under_a_hundred_tries",
        "tests/functions/test_collecting.py::test_accepted_and_replayed",
    ],
    "break-offs are made up": [
        "tests/functions/test_breaking_off.py::test_what_says_nothing_of_this_survey_is_refused",
        "tests/functions/test_breaking_off.py::test_a_mark_is_kept_once_and_is_empty",
    ],
    "a service event is forged, or sent again": [
        "tests/invitations/test_service_events.py::test_what_is_not_signed_now_is_refused",
        "tests/invitations/test_service_events.py::test_the_same_event_again_plans_nothing_more",
        "tests/invitations/test_service_events.py::test_without_a_secret_nothing_is_taken",
    ],
    "a text attacks Excel": [
        "tests/generator/test_exporting.py::test_no_cell_becomes_a_formula",
        "tests/generator/test_exporting.py::test_excel_finds_neither_formula_nor_link",
    ],
    "a text attacks a page": [
        "tests/browser/test_staff_whole_way.py::test_what_a_customer_typed_stays_text_wherever_staff_see_it",
        "tests/generator/test_headers.py::test_a_page_and_its_server_say_the_same_policy",
    ],
    "a text attacks SQL, a mail or a template": [
        "tests/invitations/test_injection.py::test_a_stranger_s_text_is_inert_from_the_file_to_the_figures",
        "tests/generator/test_query.py::test_a_query_reads_the_tables_and_nothing_else",
    ],
    "a text forges log lines": [
        "tests/fuzz/test_hostile.py::test_what_a_person_typed_is_in_no_line",
    ],
    "a staff token is stolen": [
        "tests/staff/test_roles.py::test_who_is_revoked_is_so_at_once",
        "tests/staff/test_roles.py::test_nobody_gets_further_than_their_role",
        "tests/staff/test_api.py::test_a_contact_is_told_once_it_is_noted_and_the_note_says_no_value",
    ],
    "a staff token is forged": [
        "tests/staff/test_tokens.py::test_what_is_not_signed_by_us_is_nobody",
        "tests/staff/test_tokens.py::test_a_hostile_token_is_nobody",
    ],
    "a poster's link leaks": [
        "tests/functions/test_accept.py::test_an_open_link_knows_the_store_and_takes_any_number",
        "tests/functions/test_links.py::test_only_what_the_survey_itself_says_is_told_of_a_link",
    ],
    "somebody asks API Gateway directly": [
        "tests/infra/test_http_api.py::test_nobody_goes_round_cloudfront",
        "tests/functions/test_gateway.py::test_who_goes_round_the_site_is_refused",
    ],
    "a flood": [
        "tests/infra/test_resources.py::test_it_lets_through_what_the_laptop_does",
        "tests/infra/test_resources.py::test_every_function_has_its_own_rights_log_and_limits",
    ],
    "a flood that is to cost money": [
        "tests/infra/test_costs.py::test_the_worst_day_is_arithmetic",
    ],
    "a wheel is replaced": [
        "tests/infra/test_packages.py::test_a_wheel_that_is_not_the_locks_is_refused",
        "tests/infra/test_packages.py::test_locks_name_what_is_required",
    ],
    "a function is taken over": [
        "tests/infra/test_policies.py::test_little_else_is_allowed",
    ],
    "a file is hostile": [
        "tests/functions/test_uploads.py::test_leave_is_for_one_new_name_one_kind_and_so_many_bytes",
        "tests/functions/test_uploads.py::test_peeking_reads_the_beginning",
    ],
    "link codes in logs": [
        "tests/infra/test_readme.py::test_nothing_keeps_addresses_with_codes",
        "tests/infra/test_resources.py::test_the_gate_stands_where_it_sees_who_asks",
    ],
    "an erased answer is in old versions": [
        "tests/jobs/test_purge.py::test_a_bucket_that_keeps_versions_keeps_none_of_a_purged_day",
    ],
    "the pseudonym key is lost": [
        "tests/infra/test_destroying.py::test_all_that_holds_something_can_be_taken_up_again",
    ],
    "an account's key is stolen": [],
}
"""None where only an account could tell: the answer is marked then."""
