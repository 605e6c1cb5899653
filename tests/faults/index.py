"""Which test guards which known fault of another gateway: names of test functions, with the file where each stands.

`FAULTS` are the faults of translation that peers were seen to have; `PITFALLS` are further ones, by number. `COUNTS` are those of counts and costs,
`STORAGE` those of logs that grow and of what is stored and forgotten.
"""

from collections.abc import Mapping

Nodes = tuple[str, ...]

_TOOLS = "faults/test_tool_calls.py::test_"
_CONTENT = "faults/test_content.py::test_"
_BROKEN = "faults/test_broken_streams.py::test_"
_TALKS = "faults/test_conversations.py::test_"
_ANSWERS = "faults/test_pitfalls_answers.py::test_"
_ASKED = "faults/test_pitfalls_requests.py::test_"
_STORAGE = "faults/test_storage.py::test_"
_COUNTS = "faults/test_counts.py::test_"
_WRITES = "faults/test_lost_writes.py::test_"
_TELEMETRY = "faults/test_telemetry_counts.py::test_"
_GOLDEN = "golden/test_costs.py::test_a_streamed_answer_costs_the_same"
_MIXED = "endtoend/test_completeness.py::test_cc_switch_1127_a_thousand_mixed_calls_leave_a_thousand_rows"
_PAIRS = "dialects/test_pairs.py::test_every_recorded_answer_at_every_door"
_CHAT, _RESPONSES = "dialects/openai_chat/", "dialects/openai_responses/"
_ANTHROPIC, _GEMINI = "dialects/anthropic/", "dialects/gemini/"
_E2E = "endtoend/"

FAULTS: Mapping[str, Nodes] = {
    "BerriAI/litellm#34692": (
        _TOOLS + "litellm_34692_a_streamed_tool_call_ends_as_one",
        _E2E + "test_openai_sdk.py::test_litellm_34692_tool_calls_results_and_the_answer",
    ),
    "BerriAI/litellm#27144": (_TOOLS + "litellm_27144_arguments_that_come_in_one_event_are_not_lost",),
    "BerriAI/litellm#17246": (_TOOLS + "litellm_17246_text_and_calls_of_one_turn_all_arrive_in_order",),
    "Portkey-AI/gateway#1275": (_TOOLS + "portkey_1275_parallel_calls_are_counted_from_nought_without_gaps",),
    "apache/maka#1971": (_TOOLS + "portkey_1275_parallel_calls_are_counted_from_nought_without_gaps",),
    "decolua/9router#2218": (_TOOLS + "9router_2218_no_block_event_is_without_its_index", _PAIRS),
    "router-for-me/CLIProxyAPI#2172": (
        _E2E + "test_verbatim.py::test_cliproxyapi_2172_whole_requests_pass_as_they_are",
    ),
    "router-for-me/CLIProxyAPI#1584": (_TALKS + "cliproxyapi_1584_the_provider_changes_at_every_turn",),
    "kaitranntt/ccs#415": (_TALKS + "cliproxyapi_1584_the_provider_changes_at_every_turn",),
    "liuw1535/antigravity2api-nodejs#86": (
        _TALKS + "antigravity2api_86_gemini_gets_back_the_signature_that_it_issued",
    ),
    "BerriAI/litellm#23712": (
        _CONTENT + "litellm_23712_an_image_arrives_wherever_it_stands",
        _CONTENT + "litellm_23712_an_image_s_address_arrives",
    ),
    "cc-switch 3.19.0": (_CONTENT + "cl_3_19_0_an_image_in_a_result_is_never_text",),
    "BerriAI/litellm#9798": (
        _CONTENT + "litellm_9798_a_pdf_arrives",
        _CONTENT + "litellm_9798_a_pdf_s_address_arrives_or_is_refused",
    ),
    "BerriAI/litellm#24776": (_CONTENT + "litellm_24776_a_file_by_its_id_goes_only_to_who_holds_it",),
    "maximhq/bifrost#3942": (
        _E2E + "test_prompt_cache.py::test_bifrost_3942_marks_of_the_anthropic_sdk_write_once_and_read_from_then_on",
    ),
    "theopenco/llmgateway#3918": (
        _E2E + "test_prompt_cache.py::test_llmgateway_3918_marks_of_openai_s_clients_reach_claude_and_are_read",
    ),
    "mlflow/mlflow#25897": (
        _BROKEN + "mlflow_25897_a_stream_cut_after_any_event_raises",
        _BROKEN + "mlflow_25897_an_error_event_after_any_event_raises",
        _BROKEN + "mlflow_25897_the_error_is_an_event_that_anthropic_s_clients_see",
        _E2E + "test_broken_streams.py::test_mlflow_25897_every_sdk_raises_when_the_provider_breaks_off",
    ),
    "cc-switch, a call without a name": (
        _TOOLS + "cc_switch_a_call_without_a_name_is_an_error_and_no_completed_turn",
    ),
    "cc-switch 3.20.0": (
        _BROKEN + "cc_switch_3_20_0_counts_without_details_break_no_turn",
        _BROKEN + "cc_switch_what_is_no_stream_is_an_error_and_no_empty_answer",
        _BROKEN + "cc_switch_what_is_no_answer_is_an_error_and_no_empty_answer",
    ),
}

COUNTS: Mapping[str, Nodes] = {
    "BerriAI/litellm#11789": (_E2E + "test_ledger.py::test_litellm_11789_costs", _GOLDEN),
    "BerriAI/litellm#36168": (
        _E2E + "test_verbatim.py::test_litellm_36168_usage_wherever_it_stands",
        _CHAT + "test_streams.py::test_litellm_36168_usage_before_the_finish_stands_once_the_answer_has_ended_well",
    ),
    "BerriAI/litellm#41067": (
        _E2E + "test_usage_of_doors.py::test_litellm_41067_client_row_and_provider_say_the_same",
    ),
    "BerriAI/litellm#42663": (
        _COUNTS + "litellm_42663_counts_that_grow_while_tools_run_at_the_provider_are_the_last_ones",
    ),
    "QuantumNous/new-api#6353": (_COUNTS + "new_api_6353_cache_writes_are_priced_with_a_split_or_without",),
    "QuantumNous/new-api#5756": (_COUNTS + "new_api_6353_cache_writes_are_priced_with_a_split_or_without",),
    "maximhq/bifrost#5354": (_COUNTS + "bifrost_5354_each_counter_counts_once_wherever_it_stands",),
    "maximhq/bifrost#3451": (_COUNTS + "bifrost_5354_each_counter_counts_once_wherever_it_stands",),
    "maximhq/bifrost#4484": (
        _COUNTS + "bifrost_4484_a_responses_stream_has_the_counts_of_its_last_event",
        _MIXED,
    ),
    "maximhq/bifrost#4846": (_MIXED,),
    "BerriAI/litellm#14457": (
        _E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_before_the_first_byte",
        _E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_midway",
        _E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_while_the_model_thinks",
        "relaying/test_relay.py::test_litellm_14457_a_client_that_leaves_before_the_count",
        _E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_before_a_whole_answer",
    ),
    # Its pull requests for aborted streams (30630, 33736, 36008), and the regression after them.
    "BerriAI/litellm#35958": (_E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_midway",),
    "BerriAI/litellm#37992": (
        "relaying/test_tally.py::test_litellm_37992_a_zero_is_a_count",
        _E2E + "test_verbatim.py::test_litellm_37992_a_zero_that_was_said_stays",
    ),
    "QuantumNous/new-api#5289": (
        "relaying/test_tally.py::test_the_verdict",
        _E2E + "test_missing_counts.py::test_a_row_says_what_was_estimated_and_costs_that",
    ),
    "QuantumNous/new-api#4168": ("relaying/test_tally.py::test_the_verdict",),
    "QuantumNous/new-api#5003": (
        "relaying/test_tally.py::test_new_api_5003_nothing_is_negative_and_a_report_is_never_forgotten",
        _COUNTS + "new_api_5003_contradictory_counts_cost_nothing_below_nought",
    ),
    "NousResearch/hermes-agent#93469": (
        _COUNTS + "hermes_agent_93469_the_whole_request_moves_to_the_higher_tier",
        "prices/test_pricing.py::test_the_whole_request_moves_to_the_higher_tier",
    ),
    "BerriAI/litellm#10597": (
        _COUNTS + "hermes_agent_93469_the_whole_request_moves_to_the_higher_tier",
        "prices/test_pricing.py::test_the_whole_request_moves_to_the_higher_tier",
    ),
    "farion1231/cc-switch#1127": (_E2E + "test_ledger.py::test_cc_switch_1127_rows_equal_calls", _MIXED),
    "ccusage/ccusage#866": (
        _COUNTS + "ccusage_866_what_the_provider_did_not_count_is_never_called_its_count",
        "app/test_conversation_spans.py::test_ccusage_866_what_an_app_says_is_not_called_the_providers_count",
        "telemetry/test_joiner.py::test_ccusage_866_counts_of_logs_and_spans_are_the_senders_word",
    ),
    "ccusage/ccusage#938": (_COUNTS + "ccusage_866_what_the_provider_did_not_count_is_never_called_its_count",),
    "langfuse/langfuse#12306": (
        _TELEMETRY + "langfuse_12306_what_was_cached_is_in_the_input_once",
        _TELEMETRY + "langfuse_12306_claude_code_says_it_in_three_ways_and_each_is_the_same",
        "telemetry/test_metric_series.py::test_claude_code_reports_anthropics_counts_which_are_made_inclusive",
    ),
    "langfuse/langfuse#14725": (_TELEMETRY + "langfuse_12306_what_was_cached_is_in_the_input_once",),
    "langfuse/langfuse#11244": (
        _TELEMETRY + "langfuse_11244_what_was_thought_is_in_the_output_once",
        _TELEMETRY + "langfuse_11244_tools_that_log_what_they_used_count_it_once",
        "telemetry/test_metric_series.py::test_codex_reports_inclusive_counts_and_its_total_is_no_more_tokens",
    ),
    "farion1231/cc-switch#2384": (
        _TELEMETRY + "cc_switch_2384_a_session_log_that_comes_again_names_the_same_calls",
        _TELEMETRY + "cc_switch_2384_spans_and_logs_of_one_call_have_what_joins_them",
        _TELEMETRY + "cc_switch_2384_codex_s_spans_are_no_calls_beside_its_logs",
        "telemetry/test_joiner.py::test_cc_switch_2384_gateway_span_and_log_of_one_call_count_once_in_any_order",
    ),
    "ccusage/ccusage#988": (
        _TELEMETRY + "cc_switch_2384_a_session_log_that_comes_again_names_the_same_calls",
        "telemetry/test_tool_codex.py::test_stream_events_are_no_calls",
    ),
    "tddworks/ClaudeBar#207": (_TELEMETRY + "cc_switch_2384_a_session_log_that_comes_again_names_the_same_calls",),
    "farion1231/cc-switch#2093": (_E2E + "test_own_setup.py::test_cc_switch_2093_no_price_is_not_nought",),
    "farion1231/cc-switch#5360": ("app/test_overview.py::test_cc_switch_5360_each_headline_says_what_it_counts",),
    "farion1231/cc-switch#7403": ("app/test_overview.py::test_cc_switch_5360_each_headline_says_what_it_counts",),
}

STORAGE: Mapping[str, Nodes] = {
    "BerriAI/litellm#29342": (
        _STORAGE + "litellm_29342_no_table_grows_for_ever",
        "store/test_clean_up.py::test_every_table_has_a_rule_and_every_rule_a_table",
    ),
    "BerriAI/litellm#29466": (_STORAGE + "litellm_29342_no_table_grows_for_ever",),
    "Team-Commonly/commonly#468": (_STORAGE + "litellm_29342_no_table_grows_for_ever",),
    "snipeship/ccflare#33": (
        _STORAGE + "ccflare_33_better_ccflare_145_a_clean_up_shrinks_the_file_and_a_restart_forgets_no_setting",
        "store/test_clean_up.py::test_a_size_is_a_limit",
    ),
    "tombii/better-ccflare#145": (
        _STORAGE + "ccflare_33_better_ccflare_145_a_clean_up_shrinks_the_file_and_a_restart_forgets_no_setting",
        _STORAGE + "better_ccflare_145_every_setting_survives_a_restart",
    ),
    "openai/codex#28224": (
        _STORAGE + "codex_28224_a_call_writes_little_and_the_log_stays_small",
        _STORAGE + "codex_28224_a_long_read_lets_the_log_grow_and_its_end_cuts_it",
        _STORAGE + "codex_28224_one_slow_call_keeps_no_old_journal",
    ),
    "openai/codex#20213": (
        _STORAGE + "codex_28224_a_call_writes_little_and_the_log_stays_small",
        _STORAGE + "codex_28224_a_long_read_lets_the_log_grow_and_its_end_cuts_it",
    ),
    "ccusage/ccusage#805": (
        _STORAGE + "ccusage_805_totals_are_the_same_after_restart_roll_up_and_retention",
        "store/test_kept.py::test_without_its_rows_a_time_has_the_same_sums",
    ),
    "SaladDay/cc-switch-cli#223": (
        _STORAGE + "ccusage_805_totals_are_the_same_after_restart_roll_up_and_retention",
        _E2E + "test_durability.py::test_cc_switch_805_totals_stand_over_a_restart",
    ),
    "BerriAI/litellm#33873": (_E2E + "test_durability.py::test_litellm_35531_kill_at_random_moments",),
    "BerriAI/litellm#35531": (_E2E + "test_durability.py::test_litellm_35531_kill_at_random_moments",),
    "thedotmack/claude-mem#2821": (
        _WRITES + "claude_mem_2821_no_write_is_lost_beside_a_long_reader_a_backup_and_a_check",
    ),
    "Arize-ai/phoenix#3949": (
        _WRITES + "claude_mem_2821_no_write_is_lost_beside_a_long_reader_a_backup_and_a_check",
    ),
    "Arize-ai/phoenix#6845": (
        _WRITES + "claude_mem_2821_no_write_is_lost_beside_a_long_reader_a_backup_and_a_check",
    ),
    "farion1231/cc-switch#1335": (_WRITES + "cc_switch_1335_settings_and_usage_are_files_of_their_own",),
    "maximhq/bifrost#4353": (_WRITES + "bifrost_4353_saving_what_was_not_changed_changes_no_byte",),
}

PITFALLS: Mapping[str, Nodes] = {
    "1": (_TOOLS + "portkey_1275_parallel_calls_are_counted_from_nought_without_gaps",),
    "2": (_TOOLS + "portkey_1275_parallel_calls_are_counted_from_nought_without_gaps",),
    "3": (_PAIRS,),
    "4": (_TOOLS + "litellm_17246_text_and_calls_of_one_turn_all_arrive_in_order",),
    "5": (_ANSWERS + "portkey_1275_a_single_call_keeps_its_index_of_nought",),
    "6": (_ANTHROPIC + "test_requests.py::test_results_come_first_in_one_user_message_in_the_order_of_the_calls",),
    "7": (_ANSWERS + "bifrost_3441_fragments_of_two_calls_may_alternate",),
    "8": (_ANSWERS + "bifrost_3441_fragments_of_two_calls_may_alternate", _PAIRS),
    "9": (
        _ASKED + "bifrost_7348_allowed_tools_are_not_dropped",
        _ASKED + "bifrost_7348_one_call_at_a_time_is_said_or_named_as_lost",
    ),
    "10": (_ASKED + "cliproxyapi_1135_the_choice_of_tools_is_not_ignored",),
    "11": (_ASKED + "bifrost_2347_the_same_request_is_the_same_bytes_in_every_process",),
    "12": (_ASKED + "bifrost_5279_a_tool_that_only_another_provider_has_is_refused_by_name",),
    "13": (_GEMINI + "test_requests.py::test_google_tools_beside_functions_need_a_flag_on_newer_models",),
    "14": (_TOOLS + "litellm_34692_a_streamed_tool_call_ends_as_one",),
    "15": (
        _GEMINI + "test_streams.py::test_calls_and_stop_in_different_chunks_end_once_in_tool_calls",
        _TOOLS + "litellm_34692_a_streamed_tool_call_ends_as_one",
    ),
    "16": (_ANSWERS + "hermes_agent_43478_a_limit_is_told_also_with_calls_or_without_words",),
    "17": (_TALKS + "antigravity2api_86_gemini_gets_back_the_signature_that_it_issued",),
    "18": (_TALKS + "langchain_37347_signatures_come_back_also_where_the_client_drops_them",),
    "19": (
        _TALKS + "antigravity2api_86_gemini_gets_back_the_signature_that_it_issued",
        _TALKS + "cliproxyapi_1584_the_provider_changes_at_every_turn",
    ),
    "20": (
        _ANSWERS + "pydantic_ai_3748_no_thinking_block_is_unsigned",
        _TALKS + "vercel_ai_8865_thinking_comes_back_signed_to_who_made_it",
    ),
    "21": (
        _ANTHROPIC + "test_requests.py::test_everything_that_anthropic_says_comes_back_as_it_was",
        _TALKS + "vercel_ai_8865_thinking_comes_back_signed_to_who_made_it",
    ),
    "22": (_TALKS + "vercel_ai_8865_thinking_comes_back_signed_to_who_made_it",),
    "22b": (
        _E2E + "test_replayed_state.py::test_state_that_openai_can_no_longer_read_is_left_out_once",
        _E2E + "test_replayed_state.py::test_a_second_refusal_is_the_clients",
    ),
    "22c": (_TALKS + "vercel_ai_8865_thinking_comes_back_signed_to_who_made_it",),
    "23": (_ANSWERS + "litellm_32357_thinking_and_words_keep_apart_and_lose_no_letter",),
    "24": (_ANTHROPIC + "test_requests.py::test_a_demanded_call_leaves_no_thinking",),
    "25": (_ASKED + "new_api_relaykit_every_effort_is_a_legal_body_of_every_claude",),
    "26": (
        _ANSWERS + "litellm_9812_cache_counts_of_anthropic_are_inclusive_at_openai_s_door",
        "prices/test_pricing.py::test_worked_vectors",
    ),
    "27": ("prices/test_pricing.py::test_worked_vectors",),
    "28": (
        _GEMINI + "test_streams.py::test_counts_are_inclusive",
        _ANSWERS + "portkey_496_counts_are_the_provider_s_streamed_or_not",
    ),
    "29": (_CHAT + "test_answers.py::test_usage_to_one_definition",),
    "30": (_ANSWERS + "portkey_496_counts_are_the_provider_s_streamed_or_not",),
    "31": (
        _ANTHROPIC + "test_streams.py::test_counts_are_true_at_the_end_and_told_at_the_start_where_known",
        _ANSWERS + "portkey_496_counts_are_the_provider_s_streamed_or_not",
    ),
    "32": (_E2E + "test_failures.py::test_litellm_14457_a_client_that_leaves_midway",),
    "33": ("prices/test_pricing.py::test_a_match_by_more_than_a_date_is_flagged",),
    "34": (_PAIRS,),
    "35": (_PAIRS,),
    "36": (_BROKEN + "bifrost_5874_comments_between_events_break_no_client",),
    "37": (
        _ANSWERS + "codex_12798_codex_reads_every_upstream_s_stream",
        _RESPONSES + "test_official_sdk.py::test_streamed_is_whole",
        _PAIRS,
    ),
    "38": (_BROKEN + "codex_proxy_rs_90_codex_is_told_by_response_failed",),
    "39": (
        _BROKEN + "mlflow_25897_a_stream_cut_after_any_event_raises",
        "dialects/test_pairs.py::test_every_recorded_failure_at_every_door",
    ),
    "39b": (_E2E + "test_failures.py::test_an_early_refusal_keeps_its_status",),
    "39c": (_TOOLS + "litellm_17246_text_and_calls_of_one_turn_all_arrive_in_order",),
    "40": (_BROKEN + "bifrost_4679_an_end_without_a_terminator_is_no_end_turn",),
    "41": (_ASKED + "bifrost_6457_the_limit_of_output_reaches_every_provider",),
    "42": (_CONTENT + "cl_3_19_0_an_image_in_a_result_is_never_text",),
    "43": (_ASKED + "anthropic_sdk_461_no_empty_text_is_sent",),
    "44": (_ASKED + "deepagents_1585_a_prefill_that_the_model_does_not_take_is_refused_here",),
    "45": (_GEMINI + "test_requests.py::test_everything_that_gemini_says_comes_back_as_it_was",),
    "46": (_GEMINI + "test_schema.py::test_only_what_gemini_takes_is_left_and_the_client_s_own_is_untouched",),
    "47": (
        _ASKED + "litellm_13381_what_gpt_5_refuses_is_left_out_and_named_where_it_said_something",
        _CHAT + "test_requests.py::test_the_target_s_row_decides",
    ),
    "48": (
        _ASKED + "openai_openapi_541_tools_with_effort_go_to_responses_where_chat_refuses_them",
        _E2E + "test_responses.py::test_pitfall_48_tools_that_chat_refuses_go_through_responses",
    ),
    "49": (_ASKED + "new_api_relaykit_every_effort_is_a_legal_body_of_every_claude",),
    "50": (_ANTHROPIC + "test_requests.py::test_newer_models_get_no_sampling_at_all",),
    "51": (_ASKED + "hermes_agent_23435_effort_goes_only_to_a_grok_that_takes_one",),
    "52": (
        _ASKED + "vercel_ai_15718_a_search_that_the_provider_does_not_make_is_refused_by_name",
        _E2E + "test_verbatim.py::test_vercel_ai_15718_a_feature_that_is_gone_is_refused_in_the_provider_s_words",
    ),
    "53": (_E2E + "test_counting.py::test_pitfall_53_claude_codes_count_is_answered_for_every_provider",),
    "54": (_E2E + "test_verbatim.py::test_openai_dotnet_838_a_provider_s_limits_and_cookies_stay_here",),
    "55": (_E2E + "test_verbatim.py::test_openai_dotnet_838_a_provider_s_limits_and_cookies_stay_here",),
    "56": (
        _RESPONSES + "test_requests.py::test_a_request_of_codex",
        _E2E + "test_recorded_tools.py::test_a_tool_is_answered_by_every_provider",
    ),
    "57": (
        _E2E + "test_other_doors.py::test_the_anthropic_sdk_chats_with_every_provider",
        _E2E + "test_access.py::test_the_four_places_of_a_key",
    ),
    "58": (
        _E2E + "test_other_doors.py::test_the_google_sdk_chats_with_every_provider",
        _GEMINI + "test_requests.py::test_snake_case_is_read_alike_but_the_users_own_keys_stay",
    ),
    "59": (
        _E2E + "test_model_lists.py::test_the_openai_sdk_lists_models",
        _E2E + "test_model_lists.py::test_the_anthropic_sdk_lists_models",
        _E2E + "test_model_lists.py::test_the_google_sdk_lists_models",
    ),
    "60": (_E2E + "test_openai_sdk.py::test_embeddings",),
    "61": (_GEMINI + "test_errors.py::test_a_providers_error", "keys/test_key_trial.py::test_answers"),
}
