// The XML of "SMS Backup & Restore", from which a new phone takes messages back.
// Spec: the fields that its authors document, synctech.com.au/sms-backup-restore/fields-in-xml-backup-files.
#pragma once

#include <cstdint>
#include <string>

#include "artifact/message_store.hpp"

namespace salvage::artifact {

[[nodiscard]] std::string sms_xml_head(std::size_t messages);
[[nodiscard]] std::string sms_xml_tail();
/// `name`: of the other side, as the contacts know it.
[[nodiscard]] std::string sms_xml(const Message& message, const std::string& name);

/// What stands before a message's parts, one part, and what stands behind.  `data` is the part's file in base64, or
/// empty.
[[nodiscard]] std::string mms_xml_head(const Message& message, const std::string& address, const std::string& name);
[[nodiscard]] std::string mms_xml_part(const MmsPart& part, const std::string& data);
[[nodiscard]] std::string mms_xml_tail(const Message& message);

} // namespace salvage::artifact
