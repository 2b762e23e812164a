"""The statements that make a made-up site's rows on MariaDB or MySQL, some thousands with each.

What a still shows is drawn by a checksum of its id, so that a site of one size is always the same.
"""

STILLS = """
INSERT INTO stream_img
    (id, lan_id, capture_time, image, status, result, accuracy, num_faces, processed_time, attempts)
SELECT id, lan_id, captured, :image,
    CASE WHEN result IS NULL THEN 'N'
         WHEN result IN ('NO_TRAINING_IMAGE', 'UNREADABLE_IMAGE', 'PROCESSING_ERROR') THEN 'F' ELSE 'Y' END,
    result,
    CASE WHEN result IN ('SUCCESS', 'SUCCESS_MULTIPLE_FACES') THEN 90 WHEN result LIKE 'UNKNOWN%' THEN 20 END,
    CASE WHEN result IN ('SUCCESS', 'UNKNOWN_PERSON') THEN 1 WHEN result LIKE '%MULTIPLE%' THEN 2
         WHEN result = 'NO_FACES_FOUND' THEN 0 END,
    CASE WHEN result IS NOT NULL THEN captured + INTERVAL 4 SECOND END, 1
FROM (
    SELECT id, lan_id, captured,
        CASE WHEN captured > :unprocessed THEN NULL WHEN employee_id % :unenrolled = 0 THEN 'NO_TRAINING_IMAGE'
             WHEN chance < 120 THEN 'UNKNOWN_PERSON' WHEN chance < 150 THEN 'UNKNOWN_MULTIPLE_FACES'
             WHEN chance < 300 THEN 'SUCCESS_MULTIPLE_FACES' WHEN chance < 800 THEN 'NO_FACES_FOUND'
             WHEN chance < 810 THEN 'UNREADABLE_IMAGE' WHEN chance < 815 THEN 'PROCESSING_ERROR'
             ELSE 'SUCCESS' END AS result
    FROM (
        SELECT :first + (turn.n - :turn) * :agents + e.id - 1 AS id, e.lan_id, e.id AS employee_id,
            :start + INTERVAL FLOOR(turn.n * :step + e.id * 7919 % 1000 * :step / 1000) SECOND AS captured,
            CRC32(CONCAT(:first + (turn.n - :turn) * :agents + e.id, 'still')) % 10000 AS chance
        FROM scratch_number turn CROSS JOIN employee e
        WHERE turn.n >= :turn AND turn.n < :turns_end
    ) drawn
) decided
ORDER BY id
"""
RESULTS = """
INSERT INTO recognition_result
    (stream_image_id, model_id, training_image_id, result, num_faces, distance, tolerance, p_genuine, llr, faces,
     milliseconds, created)
SELECT s.id, :model, t.id, s.result, s.num_faces,
    CASE WHEN s.num_faces = 0 THEN NULL WHEN s.result LIKE 'SUCCESS%' THEN 0.22 + s.id % 200 / 1000
         ELSE 0.51 + s.id % 250 / 1000 END,
    0.5, CASE WHEN s.num_faces = 0 THEN NULL WHEN s.result LIKE 'SUCCESS%' THEN 0.97 ELSE 0.04 END, NULL,
    CASE s.num_faces WHEN 0 THEN '[]' WHEN 1 THEN :one_face ELSE :two_faces END, 35.5, s.processed_time
FROM stream_img s JOIN train_img t ON t.lan_id = s.lan_id AND t.status = 'Y'
WHERE s.id >= :first AND s.id < :end AND s.status = 'Y'
ORDER BY s.id
"""
ATTEMPTS = """
INSERT INTO process_status (image_kind, image_id, process, status, result, started, finished, model_id)
SELECT 'STREAM', s.id, 'RECOGNITION', s.status, s.result, s.processed_time, s.processed_time, :model
FROM stream_img s WHERE s.id >= :first AND s.id < :end AND s.result IS NOT NULL ORDER BY s.id
"""
SUMMARY = """
INSERT INTO agent_hour_summary (hour, employee_id, result, stills, first_capture, last_capture, summed_up)
SELECT TIMESTAMP(DATE_FORMAT(s.capture_time, '%Y-%m-%d %H:00:00')) AS hour, e.id, s.result, COUNT(*),
    MIN(s.capture_time), MAX(s.capture_time), MAX(s.processed_time)
FROM stream_img s JOIN employee e ON e.lan_id = s.lan_id
WHERE s.id >= :first AND s.id < :end AND s.result IS NOT NULL GROUP BY hour, e.id, s.result
"""
FIRST_REVIEWS = """
INSERT INTO review
    (subject_kind, subject_id, round, employee_id, result, model_id, captured, verdict, reviewer_id, created)
SELECT 'STREAM', s.id, 1, e.id, s.result, :model, s.capture_time,
    CASE WHEN CRC32(CONCAT(s.id, 'verdict')) % 10 < 3 THEN 'CORRECT'
         WHEN CRC32(CONCAT(s.id, 'verdict')) % 10 < 9 THEN 'FALSE_ALARM' ELSE 'NOT_SURE' END,
    u.id, s.processed_time
FROM stream_img s JOIN employee e ON e.lan_id = s.lan_id
JOIN desk_user u ON u.name = CONCAT('reviewer-', 1 + s.id % 3)
WHERE s.result IN :findings AND (s.id > :newest OR CRC32(CONCAT(s.id, 'review')) % 20 <> 0)
"""
SECOND_REVIEWS = """
INSERT INTO review
    (subject_kind, subject_id, round, employee_id, result, model_id, captured, verdict, reviewer_id, created)
SELECT 'STREAM', r.subject_id, 2, r.employee_id, r.result, r.model_id, r.captured,
    CASE WHEN r.subject_id % 10 = 0 THEN 'FALSE_ALARM' ELSE 'CORRECT' END, u.id, r.created
FROM review r JOIN desk_user u ON u.name = CONCAT('reviewer-', 1 + (r.subject_id + 1) % 3)
WHERE r.round = 1 AND r.verdict = 'CORRECT' AND r.result LIKE 'UNKNOWN%' AND r.subject_id % 4 <> 0
"""
LAST_WORDS = """
UPDATE stream_img s JOIN review r ON r.subject_kind = 'STREAM' AND r.subject_id = s.id
SET s.reviewed_result = r.result
WHERE r.round = 2 OR r.verdict <> 'CORRECT' OR r.result = 'SUCCESS_MULTIPLE_FACES'
"""
