INSERT INTO his.gy_brda
SELECT brid, 'M' || brid, name, sex, birth, sim.idcard('449900' || to_char(birth, 'YYYYMMDD') || lpad((serial / 2 * 2 + CASE sex WHEN '1' THEN 1 ELSE 0 END)::text, 3, '0')),
  '01', CASE WHEN sim.n(brid, 6, 100) < 93 THEN '01' ELSE (ARRAY['03','08','11','15'])[1 + sim.n(brid, 7, 4)] END, '156',
  (ARRAY['10','20','20','20','40','90'])[1 + sim.n(brid, 8, 6)], (ARRAY['90','24','27','31','80','70','17'])[1 + sim.n(brid, 9, 7)],
  sim.nature(brid), '1' || (ARRAY['30','35','38','50','59','77','86','99'])[1 + sim.n(brid, 10, 8)] || lpad(sim.n(brid, 12, 100000000)::text, 8, '0'),
  '广元区' || (ARRAY['人民路','建设街','滨江大道','学府路','东湖巷','花园小区'])[1 + sim.n(brid, 13, 6)] || (1 + sim.n(brid, 14, 300)) || '号', NULL,
  substr(:surnames, 1 + sim.n(brid, 15, length(:surnames)), 1) || '某', '1',
  NULL, (ARRAY['1','2','3','4','5'])[1 + sim.n(brid, 16, 5)], '2', CASE WHEN sim.n(brid, 17, 100) < 6 THEN '青霉素' ELSE '无' END,
  :first::timestamp - sim.s(86400::bigint * (1 + sim.n(brid, 18, 1500)) + 28800 + sim.n(brid, 19, 30000)), c.ygdm, '0', NULL
FROM (
  SELECT brid, sex, birth, sim.n(brid, 4, 999) AS serial,
    substr(:surnames, 1 + sim.n(brid, 1, length(:surnames)), 1) || CASE sex
      WHEN '1' THEN substr(:male, 1 + sim.n(brid, 2, length(:male)), 1) || CASE WHEN sim.n(brid, 3, 10) < 7 THEN substr(:male, 1 + sim.n(brid, 20, length(:male)), 1) ELSE '' END
      ELSE substr(:female, 1 + sim.n(brid, 2, length(:female)), 1) || CASE WHEN sim.n(brid, 3, 10) < 7 THEN substr(:female, 1 + sim.n(brid, 20, length(:female)), 1) ELSE '' END END AS name
  FROM (SELECT brid, (1 + sim.n(brid, 5, 2))::text AS sex, (:first::date - (sim.r(brid, 21) * sim.r(brid, 22) * 18000 + sim.r(brid, 23) * 14000)::int) AS birth
        FROM generate_series(1000000001::bigint, 1000000000::bigint + :patients) AS brid) b
) p JOIN sim.staff c ON c.role = 'cashier' AND c.slot = sim.n(brid, 24, 100);
INSERT INTO his.gy_brkxx
SELECT brid * 10 + k, brid, (ARRAY['01','02'])[k], CASE k WHEN 1 THEN md5('e' || brid || :seed) ELSE 'K' || brid END, '1', jdsj
FROM his.gy_brda, generate_series(1, 2) k WHERE k = 1 OR sim.n(brid, 25, 10) < 4
