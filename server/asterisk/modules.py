"""What is loaded into Asterisk and which of its events are asked for: lists, no behaviour."""

# Without these Hotline does not work; Asterisk sorts them by need.
# fmt: off
REQUIRED_MODULES = (
    "app_controlplayback", "app_dial", "app_exec", "app_mixmonitor", "app_playback", "app_read", "app_senddtmf", "app_stack",
    "app_userevent", "app_verbose",
    "bridge_builtin_features", "bridge_builtin_interval_features", "bridge_holding", "bridge_simple",
    "bridge_softmix", "chan_pjsip", "codec_alaw", "codec_resample", "codec_ulaw", "format_pcm", "format_wav", "func_callerid",
    "func_channel", "func_cut", "func_devstate", "func_global", "func_hangupcause", "func_logic", "func_math", "func_rand",
    "func_strings", "func_timeout", "pbx_config", "res_agi", "res_manager_devicestate", "res_musiconhold", "res_pjproject",
    "res_pjsip", "res_pjsip_authenticator_digest", "res_pjsip_caller_id", "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_user", "res_pjsip_header_funcs", "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest", "res_pjsip_outbound_registration", "res_pjsip_pubsub", "res_pjsip_refer",
    "res_pjsip_registrar", "res_pjsip_rfc3326", "res_pjsip_sdp_rtp", "res_pjsip_session", "res_rtp_asterisk", "res_sorcery_astdb",
    "res_sorcery_config", "res_sorcery_memory", "res_speech",
)
# fmt: on

# Used where this Asterisk has them.
# fmt: off
OPTIONAL_MODULES = (
    "codec_a_mu", "codec_g722", "codec_gsm", "codec_opus", "codec_opus_open_source", "format_g722", "format_gsm", "format_sln",
    "func_pjsip_contact", "func_pjsip_endpoint", "res_crypto", "res_format_attr_opus", "res_pjsip_acl", "res_pjsip_dlg_options",
    "res_pjsip_diversion", "res_pjsip_logger", "res_pjsip_maintenance", "res_pjsip_path", "res_security_log", "res_srtp",
    "res_timing_timerfd",
)
# fmt: on

# By these an Asterisk of somebody else's is asked whether it has everything (server/external/gaps.py).
CHECK_MODULES = ("func_dialplan", "func_env", "func_module", "func_pjsip_endpoint")

# What Hotline acts on: a tenth of what Asterisk would send for a call.
# fmt: off
AMI_EVENTS = (
    "AttendedTransfer", "BlindTransfer", "BridgeEnter", "BridgeLeave", "DeviceStateChange", "DialBegin", "DialEnd", "DialState",
    "DTMFBegin", "DTMFEnd", "Hangup", "HangupRequest", "Hold", "OriginateResponse", "Unhold", "UserEvent",
)
# fmt: on
